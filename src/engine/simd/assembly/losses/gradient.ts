// The gradient of the total loss on raw, row by row: the terms on the unit prediction add up in one row, which then goes
// through the normalisation; the terms on raw itself are added after that.
import { fma, splat } from '../math';
import { args, nextUnit } from '../sync';
import { panelToRows, rowsToPanel, rowsToStrip8 } from '../rows';
import { infoNceRowGradient } from './info-nce';
import { rawGradients } from './raw-terms';
import { alongPrediction, floatAt } from './shared';
import { unitGradients } from './unit-terms';
import { LossGradient } from '../../abi/losses.ts';

export function lossGradient(op: usize, scratch: usize): void {
  const a = args<LossGradient>(op);
  const L = a.rowBytes;
  const features = <i32>(L >> 2);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    if (a.dunit != 0) panelToRows(a.dunit + <usize>panel * a.dunitPitch, features, scratch, L);
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      const row = scratch + <usize>i * L;
      if (b < a.B) lossRow(a, b, row, scratch + 8 * L, scratch + 9 * L);
      else memory.fill(row, 0, L);
    }
    rowsToPanel(scratch, L, features, a.draw + <usize>panel * a.drawPitch);
    rowsToStrip8(scratch, L, features, a.drawStrip, a.drawStripPitch, panel * 8);
  }
}

/** `row` holds the InfoNCE gradient on the unit prediction on entry and draw on return; g and total are scratch rows. */
function lossRow(a: LossGradient, b: i32, row: usize, g: usize, total: usize): void {
  memory.fill(total, 0, a.rowBytes);
  infoNceRowGradient(a, b, row, total);
  unitGradients(a, b, g, total);
  throughNormalise(a, b, row, total);
  rawGradients(a, b, row);
}

/** draw = (total − (total·p)p)/|raw|. */
function throughNormalise(a: LossGradient, b: i32, draw: usize, total: usize): void {
  const L = a.rowBytes;
  const p = a.unit + <usize>b * L;
  const inverseNorm = load<f32>(floatAt(a.inverseNorms, b));
  const along = splat(-alongPrediction(total, p, inverseNorm, L));
  const scale = splat(inverseNorm);
  for (let at: usize = 0; at < L; at += 16) {
    v128.store(draw + at, f32x4.mul(scale, fma(along, v128.load(p + at), v128.load(total + at))));
  }
}
