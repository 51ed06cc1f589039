// The attention mixture of AMN: weights over the T context vectors from one query product per sequence, and their mix.
// u = W_keyᵀ·query replaces the keys: query·(W x_t + b) = u·x_t + a constant that the softmax does not see.
import { exp4, maxLanes, splat, sumLanes } from '../math';
import { args, nextUnit } from '../sync';
import { addScaled, dot, panelToRows, rowsToPanel, rowsToStrip12, scaled } from '../rows';
import { MixBackward, MixForward } from '../../abi/amn.ts';

/** In-place softmax of T floats in a row padded to a multiple of 4. */
export function softmaxRow(row: usize, T: i32): void {
  const padded = (T + 3) & ~3;
  for (let t = T; t < padded; t++) store<f32>(row + ((<usize>t) << 2), -Infinity);
  let top = v128.load(row);
  for (let t = 4; t < padded; t += 4) top = f32x4.max(top, v128.load(row + ((<usize>t) << 2)));
  const largest = splat(maxLanes(top));
  let sum = splat(0);
  for (let t = 0; t < padded; t += 4) {
    const e = exp4(f32x4.sub(v128.load(row + ((<usize>t) << 2)), largest));
    v128.store(row + ((<usize>t) << 2), e);
    sum = f32x4.add(sum, e);
  }
  const inverse = splat(<f32>1 / sumLanes(sum));
  for (let t = 0; t < padded; t += 4) {
    const at = row + ((<usize>t) << 2);
    v128.store(at, f32x4.mul(v128.load(at), inverse));
  }
  for (let t = T; t < padded; t++) store<f32>(row + ((<usize>t) << 2), 0);
}

export function mix(op: usize, scratch: usize): void {
  const a = args<MixForward>(op);
  const T = a.T;
  const L = a.rowBytes;
  const B = a.B;
  const features = a.features;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    panelToRows(a.u + <usize>panel * a.uPitch, features, scratch, L);
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const row = scratch + <usize>i * L;
      if (b >= B) {
        memory.fill(row, 0, L);
        continue;
      }
      const x = a.contexts + <usize>(b * T) * L;
      const weights = a.weights + <usize>b * a.weightsPitch;
      for (let t = 0; t < T; t++) {
        store<f32>(weights + ((<usize>t) << 2), dot(row, x + <usize>t * L, L) * a.scale);
      }
      softmaxRow(weights, T);
      scaled(row, x, load<f32>(weights), L);
      for (let t = 1; t < T; t++) addScaled(row, x + <usize>t * L, load<f32>(weights + ((<usize>t) << 2)), L);
    }
    rowsToPanel(scratch, L, features, a.mix + <usize>panel * a.mixPitch);
    if (a.strip != 0) rowsToStrip12(scratch, L, features, a.strip, a.stripPitch, panel * 8);
  }
}

export function mixBackward(op: usize, scratch: usize): void {
  const a = args<MixBackward>(op);
  const T = a.T;
  const L = a.rowBytes;
  const B = a.B;
  const features = a.features;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    panelToRows(a.dmix + <usize>panel * a.dmixPitch, features, scratch, L);
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const row = scratch + <usize>i * L;
      if (b >= B) {
        memory.fill(row, 0, L);
        continue;
      }
      const x = a.contexts + <usize>(b * T) * L;
      const weights = a.weights + <usize>b * a.weightsPitch;
      const dweights = a.dweights + <usize>b * a.weightsPitch;
      let mean: f32 = 0;
      for (let t = 0; t < T; t++) {
        const dw = dot(row, x + <usize>t * L, L);
        store<f32>(dweights + ((<usize>t) << 2), dw);
        mean += dw * load<f32>(weights + ((<usize>t) << 2));
      }
      for (let t = 0; t < T; t++) {
        const ds =
          load<f32>(weights + ((<usize>t) << 2)) * (load<f32>(dweights + ((<usize>t) << 2)) - mean) * a.scale;
        if (t == 0) scaled(row, x, ds, L);
        else addScaled(row, x + <usize>t * L, ds, L);
      }
    }
    rowsToPanel(scratch, L, features, a.du + <usize>panel * a.duPitch);
    rowsToStrip12(scratch, L, features, a.strip, a.stripPitch, panel * 8);
  }
}
