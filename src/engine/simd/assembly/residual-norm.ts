// LayerNorm of a residual sum, Y = LN(X + dropout(A)), over features of batch panels, eight rows in the lanes.
import { fma, splat } from './math';
import { keep4, siteKey0, siteKey1 } from './dropout';
import { packStrip12, packStrip8 } from './gemm';
import { arg, nextUnit, pointer, scalar } from './sync';

/**
 * S = X + A ⊙ mask and Y = γ·(S − mean)/√(var + ε) + β; keeps S, mean and 1/σ of each row; Y again as strip12.
 * args: 0 X, 1 A, 2 S, 3 Y, 4 pitch of all, 5 F, 6 γ, 7 β, 8 mean, 9 1/σ, 10 strip12, 11 its pitch, 12 ε, 13 threshold,
 *       14 scale, 15 site, 16 hyperparameters. Units: panels.
 */
export function residualNorm(op: usize): void {
  const F = arg(op, 5);
  const bytes = <usize>F << 5;
  const key0 = siteKey0(pointer(op, 16), arg(op, 15));
  const key1 = siteKey1(pointer(op, 16), arg(op, 15));
  const threshold = i32x4.splat(arg(op, 13));
  const scale = splat(scalar(op, 14));
  const eps = splat(scalar(op, 12));
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * pointer(op, 4);
    const x = pointer(op, 0) + base;
    const a = pointer(op, 1) + base;
    const s = pointer(op, 2) + base;
    const y = pointer(op, 3) + base;
    if (arg(op, 13) == 0) {
      for (let at: usize = 0; at < bytes; at += 16) v128.store(s + at, f32x4.add(v128.load(x + at), v128.load(a + at)));
    } else {
      const first = panel * F * 8;
      for (let at: usize = 0; at < bytes; at += 16) {
        const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
        v128.store(s + at, fma(v128.load(a + at), keep, v128.load(x + at)));
      }
    }
    for (let half: usize = 0; half < 32; half += 16) {
      let sum = splat(0);
      for (let at = half; at < bytes; at += 32) sum = f32x4.add(sum, v128.load(s + at));
      const mean = f32x4.mul(sum, inverseF);
      let squares = splat(0);
      for (let at = half; at < bytes; at += 32) {
        const d = f32x4.sub(v128.load(s + at), mean);
        squares = fma(d, d, squares);
      }
      const inverse = f32x4.div(splat(1), f32x4.sqrt(fma(squares, inverseF, eps)));
      v128.store(pointer(op, 8) + ((<usize>panel) << 5) + half, mean);
      v128.store(pointer(op, 9) + ((<usize>panel) << 5) + half, inverse);
      for (let f: usize = 0; f < <usize>F; f++) {
        const at = half + (f << 5);
        const d = f32x4.mul(f32x4.sub(v128.load(s + at), mean), inverse);
        const gamma = v128.load32_splat(pointer(op, 6) + (f << 2));
        v128.store(y + at, fma(d, gamma, v128.load32_splat(pointer(op, 7) + (f << 2))));
      }
    }
    packStrip12(y, ((F + 11) / 12) * 12, pointer(op, 10), pointer(op, 11), panel * 8);
  }
}

/** dY = sum of up to three more sources on the first, for `bytes` bytes. */
function sumSources(out: usize, bytes: usize, a: usize, b: usize, c: usize, d: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    let sum = v128.load(a + at);
    if (b != 0) sum = f32x4.add(sum, v128.load(b + at));
    if (c != 0) sum = f32x4.add(sum, v128.load(c + at));
    if (d != 0) sum = f32x4.add(sum, v128.load(d + at));
    v128.store(out + at, sum);
  }
}

/**
 * dY = Σ sources; dS, the input gradient of LayerNorm given dY; dA = dS ⊙ mask, optionally as strip8.
 * args: 0 to 3 sources (the first is there, the others may be 0), 4 dY, 5 S, 6 dS, 7 dA or 0, 8 pitch of all, 9 F, 10 γ,
 *       11 mean, 12 1/σ, 13 strip8 or 0, 14 its pitch, 15 threshold, 16 scale, 17 site, 18 hyperparameters, 19 panels
 *       before the first, in the mask and in the strip. Units: panels.
 */
export function residualNormBackward(op: usize): void {
  const F = arg(op, 9);
  const bytes = <usize>F << 5;
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * pointer(op, 8);
    const b = pointer(op, 1) != 0 ? pointer(op, 1) + base : 0;
    const c = pointer(op, 2) != 0 ? pointer(op, 2) + base : 0;
    const d = pointer(op, 3) != 0 ? pointer(op, 3) + base : 0;
    const dy = pointer(op, 4) + base;
    const s = pointer(op, 5) + base;
    const ds = pointer(op, 6) + base;
    sumSources(dy, bytes, pointer(op, 0) + base, b, c, d);
    for (let half: usize = 0; half < 32; half += 16) {
      const mean = v128.load(pointer(op, 11) + ((<usize>panel) << 5) + half);
      const inverse = v128.load(pointer(op, 12) + ((<usize>panel) << 5) + half);
      let sum = splat(0);
      let along = splat(0);
      for (let f: usize = 0; f < <usize>F; f++) {
        const at = half + (f << 5);
        const g = f32x4.mul(v128.load(dy + at), v128.load32_splat(pointer(op, 10) + (f << 2)));
        sum = f32x4.add(sum, g);
        along = fma(g, f32x4.mul(f32x4.sub(v128.load(s + at), mean), inverse), along);
      }
      sum = f32x4.mul(sum, inverseF);
      along = f32x4.mul(along, inverseF);
      for (let f: usize = 0; f < <usize>F; f++) {
        const at = half + (f << 5);
        const g = f32x4.mul(v128.load(dy + at), v128.load32_splat(pointer(op, 10) + (f << 2)));
        const normalised = f32x4.mul(f32x4.sub(v128.load(s + at), mean), inverse);
        v128.store(ds + at, f32x4.mul(inverse, f32x4.sub(f32x4.sub(g, sum), f32x4.mul(normalised, along))));
      }
    }
    if (pointer(op, 7) != 0) dropResidual(op, panel, ds, pointer(op, 7) + base, bytes);
  }
}

/** dA of one panel; see `residualNormBackward` for the arguments. */
function dropResidual(op: usize, panel: i32, ds: usize, da: usize, bytes: usize): void {
  const place = arg(op, 19) + panel;
  if (arg(op, 15) == 0) {
    memory.copy(da, ds, bytes);
  } else {
    const key0 = siteKey0(pointer(op, 18), arg(op, 17));
    const key1 = siteKey1(pointer(op, 18), arg(op, 17));
    const threshold = i32x4.splat(arg(op, 15));
    const scale = splat(scalar(op, 16));
    const first = place * arg(op, 9) * 8;
    for (let at: usize = 0; at < bytes; at += 16) {
      const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
      v128.store(da + at, f32x4.mul(v128.load(ds + at), keep));
    }
  }
  if (pointer(op, 13) != 0) packStrip8(da, 0, (arg(op, 9) + 7) & ~7, pointer(op, 13), pointer(op, 14), place * 8);
}
