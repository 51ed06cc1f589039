// Squashing functions of recurrent gates, four lanes at a time. Accuracy is pinned by tests/numerics/simd-sequence.test.ts.
import { exp4, fma } from '../math';

// Constants four lanes each, loaded where they are used (see math.ts): 1, the bounds of tanh and the coefficients of its
// odd rational minimax approximation, numerator from x¹³ down to x, denominator from x⁶ down to 1.
// prettier-ignore
const CONSTANTS = memory.data<f32>([
  1.0, 1.0, 1.0, 1.0,
  7.90531110763549805, 7.90531110763549805, 7.90531110763549805, 7.90531110763549805,
  -7.90531110763549805, -7.90531110763549805, -7.90531110763549805, -7.90531110763549805,
  -2.76076847742355e-16, -2.76076847742355e-16, -2.76076847742355e-16, -2.76076847742355e-16,
  2.00018790482477e-13, 2.00018790482477e-13, 2.00018790482477e-13, 2.00018790482477e-13,
  -8.60467152213735e-11, -8.60467152213735e-11, -8.60467152213735e-11, -8.60467152213735e-11,
  5.12229709037114e-08, 5.12229709037114e-08, 5.12229709037114e-08, 5.12229709037114e-08,
  1.48572235717979e-05, 1.48572235717979e-05, 1.48572235717979e-05, 1.48572235717979e-05,
  6.37261928875436e-04, 6.37261928875436e-04, 6.37261928875436e-04, 6.37261928875436e-04,
  4.89352455891786e-03, 4.89352455891786e-03, 4.89352455891786e-03, 4.89352455891786e-03,
  1.19825839466702e-06, 1.19825839466702e-06, 1.19825839466702e-06, 1.19825839466702e-06,
  1.18534705686654e-04, 1.18534705686654e-04, 1.18534705686654e-04, 1.18534705686654e-04,
  2.26843463243900e-03, 2.26843463243900e-03, 2.26843463243900e-03, 2.26843463243900e-03,
  4.89352518554385e-03, 4.89352518554385e-03, 4.89352518554385e-03, 4.89352518554385e-03,
], 16);

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load(CONSTANTS + (<usize>index << 4));
}

/** 1/(1 + e^−x). */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = constant(0);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** tanh x; beyond ±7.9 it is ±1 in float32. */
// @ts-ignore: decorator
@inline
export function tanh4(a: v128): v128 {
  const x = f32x4.max(f32x4.min(a, constant(1)), constant(2));
  const x2 = f32x4.mul(x, x);
  let p = constant(3);
  p = fma(p, x2, constant(4));
  p = fma(p, x2, constant(5));
  p = fma(p, x2, constant(6));
  p = fma(p, x2, constant(7));
  p = fma(p, x2, constant(8));
  p = fma(p, x2, constant(9));
  let q = constant(10);
  q = fma(q, x2, constant(11));
  q = fma(q, x2, constant(12));
  q = fma(q, x2, constant(13));
  return f32x4.div(f32x4.mul(x, p), q);
}

/** y·(1 − y), the slope of the sigmoid at its value y. */
// @ts-ignore: decorator
@inline
export function sigmoidSlope4(y: v128): v128 {
  return f32x4.mul(y, f32x4.sub(constant(0), y));
}

/** 1 − y², the slope of tanh at its value y. */
// @ts-ignore: decorator
@inline
export function tanhSlope4(y: v128): v128 {
  return f32x4.sub(constant(0), f32x4.mul(y, y));
}

/** 1 − y. */
// @ts-ignore: decorator
@inline
export function complement4(y: v128): v128 {
  return f32x4.sub(constant(0), y);
}
