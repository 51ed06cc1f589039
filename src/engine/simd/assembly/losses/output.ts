// From the model's output to raw and, with losses, to the unit prediction, its cosines and the values of the row-wise terms.
import { args, nextUnit } from '../sync';
import { addScaled, dot, panelToRows, rowsToPanel, scaled } from '../rows';
import { rawRowValues } from './raw-terms';
import { floatAt, MIN_NORM, rowResults } from './shared';
import { unitRowValues } from './unit-terms';
import { Output } from '../../abi/losses.ts';

export function output(op: usize): void {
  const a = args<Output>(op);
  const L = a.rowBytes;
  const B = a.B;
  const features = <i32>(L >> 2);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const first = panel * 8;
    const rows = a.raw + <usize>first * L;
    panelToRows(a.output + <usize>panel * a.outputPitch, features, rows, L);
    for (let i = 0; i < 8; i++) {
      const raw = rows + <usize>i * L;
      const b = first + i;
      if (b >= B) memory.fill(raw, 0, L);
      else {
        if (a.base != 0) addScaled(raw, a.base + <usize>b * L, 1, L);
        if (a.shift != 0) addScaled(raw, a.shift + <usize>b * L, 1, L);
      }
    }
    if (a.withLosses == 0) continue;
    for (let i = 0; i < 8; i++) {
      const b = first + i;
      if (b < B) rowValues(a, b);
      else memory.fill(a.unit + <usize>b * L, 0, L);
    }
    rowsToPanel(a.unit + <usize>first * L, L, features, a.unitPanel + <usize>panel * a.unitPitch);
  }
}

/** Unit prediction and cosines of row b, and the values of the terms that one row decides. */
function rowValues(a: Output, b: i32): void {
  const L = a.rowBytes;
  const raw = a.raw + <usize>b * L;
  const inverse = <f32>1 / max<f32>(sqrt<f32>(dot(raw, raw, L)), MIN_NORM);
  store<f32>(floatAt(a.inverseNorms, b), inverse);
  scaled(a.unit + <usize>b * L, raw, inverse, L);
  const cosine = dot(raw, a.unitTargets + <usize>b * L, L) * inverse;
  rowResults(a.rowResults, b).cosine = cosine;
  for (let t = 0; t < a.T; t++) {
    const position = b * a.T + t;
    const x = a.contexts + <usize>position * L;
    const c = dot(raw, x, L) * inverse * load<f32>(floatAt(a.inverseContextNorms, position));
    store<f32>(floatAt(a.contextCosines, position), c);
  }
  rawRowValues(a, b);
  unitRowValues(a, b, cosine);
}
