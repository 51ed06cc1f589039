// Vector mathematics on four float32 lanes: fused multiply-add of the build's variant, exp, erf, GELU, transposes.
// Accuracy against float64 is pinned by tests/numerics/simd-kernels.test.ts.

// Constants of the functions below, four lanes each. They are loaded where they are used: V8 builds a literal vector anew
// in every pass of a loop, which takes three instructions instead of one.
// prettier-ignore
const CONSTANTS = memory.data<f32>([
  88.0, 88.0, 88.0, 88.0,
  -87.0, -87.0, -87.0, -87.0,
  1.44269504088896341, 1.44269504088896341, 1.44269504088896341, 1.44269504088896341,
  -0.693359375, -0.693359375, -0.693359375, -0.693359375,
  2.12194440e-4, 2.12194440e-4, 2.12194440e-4, 2.12194440e-4,
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4,
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3,
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3,
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2,
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1,
  5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1,
  1.0, 1.0, 1.0, 1.0,
  127.0, 127.0, 127.0, 127.0,
  3.832506856900711, 3.832506856900711, 3.832506856900711, 3.832506856900711,
  -3.832506856900711, -3.832506856900711, -3.832506856900711, -3.832506856900711,
  0.00022905065861350646, 0.00022905065861350646, 0.00022905065861350646, 0.00022905065861350646,
  0.0034082910107109506, 0.0034082910107109506, 0.0034082910107109506, 0.0034082910107109506,
  0.050955695062380861, 0.050955695062380861, 0.050955695062380861, 0.050955695062380861,
  0.18520832239976145, 0.18520832239976145, 0.18520832239976145, 0.18520832239976145,
  1.128379143519084, 1.128379143519084, 1.128379143519084, 1.128379143519084,
  -1.1791602954361697e-7, -1.1791602954361697e-7, -1.1791602954361697e-7, -1.1791602954361697e-7,
  0.000023547966471313185, 0.000023547966471313185, 0.000023547966471313185, 0.000023547966471313185,
  0.0010179625278914885, 0.0010179625278914885, 0.0010179625278914885, 0.0010179625278914885,
  0.014070470171167667, 0.014070470171167667, 0.014070470171167667, 0.014070470171167667,
  0.11098505178285362, 0.11098505178285362, 0.11098505178285362, 0.11098505178285362,
  0.49746925110067538, 0.49746925110067538, 0.49746925110067538, 0.49746925110067538,
  0.5, 0.5, 0.5, 0.5,
  0.70710678118654752, 0.70710678118654752, 0.70710678118654752, 0.70710678118654752,
  -0.5, -0.5, -0.5, -0.5,
  0.3989422804014327, 0.3989422804014327, 0.3989422804014327, 0.3989422804014327,
], 16);

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load(CONSTANTS + (<usize>index << 4));
}

/** a·b + c: one rounding in the relaxed build, two in the plain one. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** Sum of the four lanes, in one fixed order. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 2) + (f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
export function sumLanes64(x: v128): f64 {
  return (
    <f64>f32x4.extract_lane(x, 0) +
    <f64>f32x4.extract_lane(x, 2) +
    (<f64>f32x4.extract_lane(x, 1) + <f64>f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max<f32>(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** e^x; arguments are held to [-87, 88], so that nothing becomes infinite or denormal. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const clamped = f32x4.max(f32x4.min(x, constant(0)), constant(1));
  const n = f32x4.nearest(f32x4.mul(clamped, constant(2)));
  let r = fma(n, constant(3), clamped);
  r = fma(n, constant(4), r);
  let p = constant(5);
  p = fma(p, r, constant(6));
  p = fma(p, r, constant(7));
  p = fma(p, r, constant(8));
  p = fma(p, r, constant(9));
  p = fma(p, r, constant(10));
  p = f32x4.add(fma(p, f32x4.mul(r, r), r), constant(11));
  const bits = i32x4.shl(i32x4.trunc_sat_f32x4_s(f32x4.add(n, constant(12))), 23);
  return f32x4.mul(p, bits);
}

/** Natural logarithm of a positive normal number (Cephes logf), in float64 arithmetic for the few scalars that need it. */
export function log1(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  let e = (bits >> 23) - 127;
  let m = <f64>reinterpret<f32>((bits & 0x007fffff) | 0x3f800000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e += 1;
  }
  const s = (m - 1.0) / (m + 1.0);
  const z = s * s;
  let p: f64 = 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  p = p * z + 1.0;
  return <f32>(<f64>e * 0.6931471805599453 + 2.0 * s * p);
}

/** Error function: an odd rational minimax approximation on [-3.8325, 3.8325], beyond which erf is ±1 in float32. */
// @ts-ignore: decorator
@inline
export function erf4(a: v128): v128 {
  const x = f32x4.max(f32x4.min(a, constant(13)), constant(14));
  const x2 = f32x4.mul(x, x);
  let p = constant(15);
  p = fma(p, x2, constant(16));
  p = fma(p, x2, constant(17));
  p = fma(p, x2, constant(18));
  p = fma(p, x2, constant(19));
  let q = constant(20);
  q = fma(q, x2, constant(21));
  q = fma(q, x2, constant(22));
  q = fma(q, x2, constant(23));
  q = fma(q, x2, constant(24));
  q = fma(q, x2, constant(25));
  q = fma(q, x2, constant(11));
  return f32x4.div(f32x4.mul(x, p), q);
}

/** GELU(x) = x·(1 + erf(x/√2))/2. */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const half = f32x4.mul(x, constant(26));
  return fma(half, erf4(f32x4.mul(x, constant(27))), half);
}

/** GELU'(x) = (1 + erf(x/√2))/2 + x·φ(x). */
// @ts-ignore: decorator
@inline
export function geluGradient4(x: v128): v128 {
  const half = constant(26);
  const cdf = fma(half, erf4(f32x4.mul(x, constant(27))), half);
  const density = f32x4.mul(exp4(f32x4.mul(f32x4.mul(x, x), constant(28))), constant(29));
  return fma(x, density, cdf);
}

/** Reads four rows of four floats at `from` (stride `fromStride` bytes) and writes their transpose at `to`. */
// @ts-ignore: decorator
@inline
export function transpose4(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromStride);
  const c = v128.load(from + 2 * fromStride);
  const d = v128.load(from + 3 * fromStride);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const gh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(to + toStride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  v128.store(to + 2 * toStride, v128.shuffle<f32>(ef, gh, 0, 1, 4, 5));
  v128.store(to + 3 * toStride, v128.shuffle<f32>(ef, gh, 2, 3, 6, 7));
}
