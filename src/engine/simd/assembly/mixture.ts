// The attention mixture of AMN: weights over the T context vectors from one query product per sequence, and their mix.
// u = W_keyᵀ·query replaces the keys: query·(W x_t + b) = u·x_t + a constant that the softmax does not see.
import { exp4, maxLanes, splat, sumLanes } from './math';
import { arg, nextUnit, pointer, scalar } from './sync';
import { addScaled, dot, panelToRows, rowsToPanel, rowsToStrip12, scaled } from './rows';

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

/**
 * w = softmax(u·x_t/√A), mix = Σ_t w_t·x_t as panel and strip12, overwriting; pad rows become zero.
 * args: 0 X rows, 1 T, 2 L bytes, 3 B, 4 u panel, 5 u pitch, 6 weights [B][T4], 7 T4 bytes, 8 1/√A, 9 mix panel,
 *       10 mix pitch, 11 strip12 or 0, 12 strip12 pitch, 13 padded features (multiple of 12).
 * Units: panels. Scratch: 8 rows.
 */
export function mix(op: usize, scratch: usize): void {
  const T = arg(op, 1);
  const L = pointer(op, 2);
  const B = arg(op, 3);
  const features = arg(op, 13);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    panelToRows(pointer(op, 4) + <usize>panel * pointer(op, 5), features, scratch, L);
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const row = scratch + <usize>i * L;
      if (b >= B) {
        memory.fill(row, 0, L);
        continue;
      }
      const x = pointer(op, 0) + <usize>(b * T) * L;
      const weights = pointer(op, 6) + <usize>b * pointer(op, 7);
      for (let t = 0; t < T; t++) {
        store<f32>(weights + ((<usize>t) << 2), dot(row, x + <usize>t * L, L) * scalar(op, 8));
      }
      softmaxRow(weights, T);
      scaled(row, x, load<f32>(weights), L);
      for (let t = 1; t < T; t++) addScaled(row, x + <usize>t * L, load<f32>(weights + ((<usize>t) << 2)), L);
    }
    rowsToPanel(scratch, L, features, pointer(op, 9) + <usize>panel * pointer(op, 10));
    if (pointer(op, 11) != 0) rowsToStrip12(scratch, L, features, pointer(op, 11), pointer(op, 12), panel * 8);
  }
}

/**
 * du = Σ_t ds_t·x_t/√A with ds the softmax gradient of dmix·x_t, as panel and strip12, overwriting.
 * args: 0 X rows, 1 T, 2 L bytes, 3 B, 4 dmix panel, 5 dmix pitch, 6 weights [B][T4], 7 T4 bytes, 8 1/√A, 9 du panel,
 *       10 du pitch, 11 strip12, 12 strip12 pitch, 13 padded features (multiple of 12), 14 dweights [B][T4].
 * Units: panels. Scratch: 8 rows.
 */
export function mixBackward(op: usize, scratch: usize): void {
  const T = arg(op, 1);
  const L = pointer(op, 2);
  const B = arg(op, 3);
  const features = arg(op, 13);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    panelToRows(pointer(op, 4) + <usize>panel * pointer(op, 5), features, scratch, L);
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const row = scratch + <usize>i * L;
      if (b >= B) {
        memory.fill(row, 0, L);
        continue;
      }
      const x = pointer(op, 0) + <usize>(b * T) * L;
      const weights = pointer(op, 6) + <usize>b * pointer(op, 7);
      const dweights = pointer(op, 14) + <usize>b * pointer(op, 7);
      let mean: f32 = 0;
      for (let t = 0; t < T; t++) {
        const dw = dot(row, x + <usize>t * L, L);
        store<f32>(dweights + ((<usize>t) << 2), dw);
        mean += dw * load<f32>(weights + ((<usize>t) << 2));
      }
      for (let t = 0; t < T; t++) {
        const ds =
          load<f32>(weights + ((<usize>t) << 2)) * (load<f32>(dweights + ((<usize>t) << 2)) - mean) * scalar(op, 8);
        if (t == 0) scaled(row, x, ds, L);
        else addScaled(row, x + <usize>t * L, ds, L);
      }
    }
    rowsToPanel(scratch, L, features, pointer(op, 9) + <usize>panel * pointer(op, 10));
    rowsToStrip12(scratch, L, features, pointer(op, 11), pointer(op, 12), panel * 8);
  }
}
