// LayerNorm of a residual sum, Y = LN(X + dropout(A)), over features of batch panels, eight rows in the lanes.
import { fma, splat } from '../math';
import { keep4, siteKey0, siteKey1 } from './dropout';
import { packStrip12, packStrip8 } from '../products/pack';
import { args, nextUnit } from '../sync';
import { ResidualNormBackward, ResidualNormForward } from '../../abi/norm.ts';

export function residualNorm(op: usize): void {
  const a = args<ResidualNormForward>(op);
  const F = a.F;
  const bytes = <usize>F << 5;
  const key0 = siteKey0(a.hyper, a.site);
  const key1 = siteKey1(a.hyper, a.site);
  const threshold = i32x4.splat(a.threshold);
  const scale = splat(a.keepScale);
  const eps = splat(a.eps);
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * a.pitch;
    const x = a.x + base;
    const branch = a.a + base;
    const s = a.sum + base;
    const y = a.y + base;
    if (a.threshold == 0) {
      for (let at: usize = 0; at < bytes; at += 16) v128.store(s + at, f32x4.add(v128.load(x + at), v128.load(branch + at)));
    } else {
      const first = panel * F * 8;
      for (let at: usize = 0; at < bytes; at += 16) {
        const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
        v128.store(s + at, fma(v128.load(branch + at), keep, v128.load(x + at)));
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
      v128.store(a.mean + ((<usize>panel) << 5) + half, mean);
      v128.store(a.inverseSigma + ((<usize>panel) << 5) + half, inverse);
      for (let f: usize = 0; f < <usize>F; f++) {
        const at = half + (f << 5);
        const d = f32x4.mul(f32x4.sub(v128.load(s + at), mean), inverse);
        const gamma = v128.load32_splat(a.gamma + (f << 2));
        v128.store(y + at, fma(d, gamma, v128.load32_splat(a.beta + (f << 2))));
      }
    }
    packStrip12(y, ((F + 11) / 12) * 12, a.strip, a.stripPitch, panel * 8);
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

export function residualNormBackward(op: usize): void {
  const a = args<ResidualNormBackward>(op);
  const F = a.F;
  const bytes = <usize>F << 5;
  const inverseF = splat(<f32>1 / <f32>F);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const base = <usize>panel * a.pitch;
    const b = a.source1 != 0 ? a.source1 + base : 0;
    const c = a.source2 != 0 ? a.source2 + base : 0;
    const d = a.source3 != 0 ? a.source3 + base : 0;
    const dy = a.dy + base;
    const s = a.sum + base;
    const ds = a.dsum + base;
    sumSources(dy, bytes, a.source0 + base, b, c, d);
    for (let half: usize = 0; half < 32; half += 16) {
      const mean = v128.load(a.mean + ((<usize>panel) << 5) + half);
      const inverse = v128.load(a.inverseSigma + ((<usize>panel) << 5) + half);
      let sum = splat(0);
      let along = splat(0);
      for (let f: usize = 0; f < <usize>F; f++) {
        const at = half + (f << 5);
        const g = f32x4.mul(v128.load(dy + at), v128.load32_splat(a.gamma + (f << 2)));
        sum = f32x4.add(sum, g);
        along = fma(g, f32x4.mul(f32x4.sub(v128.load(s + at), mean), inverse), along);
      }
      sum = f32x4.mul(sum, inverseF);
      along = f32x4.mul(along, inverseF);
      for (let f: usize = 0; f < <usize>F; f++) {
        const at = half + (f << 5);
        const g = f32x4.mul(v128.load(dy + at), v128.load32_splat(a.gamma + (f << 2)));
        const normalised = f32x4.mul(f32x4.sub(v128.load(s + at), mean), inverse);
        v128.store(ds + at, f32x4.mul(inverse, f32x4.sub(f32x4.sub(g, sum), f32x4.mul(normalised, along))));
      }
    }
    if (a.da != 0) dropResidual(a, panel, ds, a.da + base, bytes);
  }
}

/** dA of one panel; see `residualNormBackward` for the arguments. */
function dropResidual(a: ResidualNormBackward, panel: i32, ds: usize, da: usize, bytes: usize): void {
  const place = a.panelsBefore + panel;
  if (a.threshold == 0) {
    memory.copy(da, ds, bytes);
  } else {
    const key0 = siteKey0(a.hyper, a.site);
    const key1 = siteKey1(a.hyper, a.site);
    const threshold = i32x4.splat(a.threshold);
    const scale = splat(a.keepScale);
    const first = place * a.F * 8;
    for (let at: usize = 0; at < bytes; at += 16) {
      const keep = keep4(first + <i32>(at >> 2), key0, key1, threshold, scale);
      v128.store(da + at, f32x4.mul(v128.load(ds + at), keep));
    }
  }
  if (a.strip != 0) packStrip8(da, 0, (a.F + 7) & ~7, a.strip, a.stripPitch, place * 8);
}
