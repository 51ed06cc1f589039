// Copies panels of activations into the strips that the weight gradients read. Layouts: gemm.ts.
import { transpose4 } from '../math';
import { PANEL_BYTES } from './tile';

/** Copies features [from, to) of one panel (eight rows) into strip8 at batch row `row`. from and to are multiples of 8. */
export function packStrip8(panel: usize, from: i32, to: i32, strip: usize, stripPitch: usize, row: i32): void {
  for (let f = from; f < to; f += 8) {
    const source = panel + <usize>f * PANEL_BYTES;
    const target = strip + <usize>(f >> 3) * stripPitch + <usize>row * 32;
    for (let half: usize = 0; half < 2; half++) {
      transpose4(source + half * 16, 32, target + half * 128, 32);
      transpose4(source + 128 + half * 16, 32, target + half * 128 + 16, 32);
    }
  }
}

/** Copies features [0, features) of one panel into strip12 at batch row `row`; `features` is a multiple of 12. */
export function packStrip12(panel: usize, features: i32, strip: usize, stripPitch: usize, row: i32): void {
  for (let f = 0; f < features; f += 12) {
    const source = panel + <usize>f * PANEL_BYTES;
    const target = strip + <usize>(f / 12) * stripPitch + <usize>row * 48;
    for (let part: usize = 0; part < 3; part++) {
      transpose4(source + part * 128, 32, target + part * 16, 48);
      transpose4(source + part * 128 + 16, 32, target + part * 16 + 192, 48);
    }
  }
}
