// InfoNCE = mean over the batch of the cross entropies of S = P·T̂ᵀ/τ against its diagonal, along rows plus along columns.
import { exp4, log1, maxLanes, splat, sumLanes } from '../math';
import { args, nextUnit } from '../sync';
import { addUnitGradient, floatAt, hyperAt, rowMask, rowResults } from './shared';
import { InfoNceColumns, InfoNceGradient, InfoNceRows, LossGradient } from '../../abi/losses.ts';

/** Row b's log-sum-exp from its largest product and sum (lane 0), and its cross entropy; see `infoNceRows`. */
function setLogSumExp(a: InfoNceRows, products: usize, b: i32, top: v128, sum: v128): void {
  const inverseTau = <f32>1 / hyperAt(a.hyper).tau;
  const lse = f32x4.extract_lane(top, 0) * inverseTau + log1(f32x4.extract_lane(sum, 0));
  store<f32>(floatAt(a.rowLogSumExp, b), lse);
  if (b >= a.B) return;
  const own = load<f32>(products + (<usize>b << 5) + (<usize>(b & 7) << 2)) * inverseTau;
  rowResults(a.rowResults, b).crossEntropy = lse - own;
}

export function infoNceRows(op: usize): void {
  const a = args<InfoNceRows>(op);
  const B = a.B;
  const inverseTau = splat(<f32>1 / hyperAt(a.hyper).tau);
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const products = a.products + <usize>panel * a.pitch;
    for (let half = 0; half < 2; half++) {
      const s = products + <usize>(half << 4);
      let top = v128.load(s);
      for (let j = 1; j < B; j++) top = f32x4.max(top, v128.load(s + (<usize>j << 5)));
      let sum = splat(0);
      for (let j = 0; j < B; j++) {
        sum = f32x4.add(sum, exp4(f32x4.mul(f32x4.sub(v128.load(s + (<usize>j << 5)), top), inverseTau)));
      }
      const first = panel * 8 + half * 4;
      setLogSumExp(a, products, first, top, sum);
      setLogSumExp(a, products, first + 1, v128.shuffle<f32>(top, top, 1, 1, 1, 1), v128.shuffle<f32>(sum, sum, 1, 1, 1, 1));
      setLogSumExp(a, products, first + 2, v128.shuffle<f32>(top, top, 2, 2, 2, 2), v128.shuffle<f32>(sum, sum, 2, 2, 2, 2));
      setLogSumExp(a, products, first + 3, v128.shuffle<f32>(top, top, 3, 3, 3, 3), v128.shuffle<f32>(sum, sum, 3, 3, 3, 3));
    }
  }
}

export function infoNceColumns(op: usize): void {
  const a = args<InfoNceColumns>(op);
  const B = a.B;
  const pitch = a.pitch;
  const inverseTau = <f32>1 / hyperAt(a.hyper).tau;
  const inverseTau4 = splat(inverseTau);
  const size = a.unitColumns;
  const lowest = splat(-Infinity);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    for (let j = unit * size; j < min((unit + 1) * size, B); j++) {
      const column = a.products + (<usize>j << 5);
      let top = lowest;
      for (let b = 0; b < B; b += 4) {
        const s = v128.load(column + <usize>(b >> 3) * pitch + (<usize>(b & 4) << 2));
        top = f32x4.max(top, v128.bitselect(s, lowest, rowMask(b, B)));
      }
      const largest = maxLanes(top);
      let sum = splat(0);
      for (let b = 0; b < B; b += 4) {
        const s = v128.load(column + <usize>(b >> 3) * pitch + (<usize>(b & 4) << 2));
        const e = exp4(f32x4.mul(f32x4.sub(s, splat(largest)), inverseTau4));
        sum = f32x4.add(sum, v128.and(e, rowMask(b, B)));
      }
      const lse = largest * inverseTau + log1(sumLanes(sum));
      store<f32>(floatAt(a.columnLogSumExp, j), lse);
      const own = load<f32>(column + <usize>(j >> 3) * pitch + (<usize>(j & 7) << 2)) * inverseTau;
      rowResults(a.rowResults, j).columnCrossEntropy = lse - own;
    }
  }
}

export function infoNceGradient(op: usize): void {
  const a = args<InfoNceGradient>(op);
  const B = a.B;
  const inverseTau = <f32>1 / hyperAt(a.hyper).tau;
  const inverseTau4 = splat(inverseTau);
  const weight = inverseTau / <f32>B;
  const scale = splat(weight);
  const padded = ((B + 11) / 12) * 12;
  for (let panel = nextUnit(op); panel >= 0; panel = nextUnit(op)) {
    const products = a.products + <usize>panel * a.pitch;
    for (let half = 0; half < 2; half++) {
      const row = panel * 8 + half * 4;
      const mask = rowMask(row, B);
      const rowLse = v128.load(floatAt(a.rowLogSumExp, row));
      const s = products + <usize>(half << 4);
      for (let j = 0; j < B; j++) {
        const at = s + (<usize>j << 5);
        const logit = f32x4.mul(v128.load(at), inverseTau4);
        const columnLse = v128.load32_splat(floatAt(a.columnLogSumExp, j));
        const e = f32x4.add(exp4(f32x4.sub(logit, rowLse)), exp4(f32x4.sub(logit, columnLse)));
        v128.store(at, v128.and(f32x4.mul(e, scale), mask));
      }
      for (let j = B; j < padded; j++) v128.store(s + (<usize>j << 5), splat(0));
    }
    for (let i = 0; i < 8; i++) {
      const b = panel * 8 + i;
      if (b >= B) break;
      const at = products + (<usize>b << 5) + (<usize>i << 2);
      store<f32>(at, load<f32>(at) - <f32>2 * weight);
    }
  }
}

/** Gradient of row b on the unit prediction, added to `total`; it is in `row` already, where InfoNCE is measured. */
export function infoNceRowGradient(a: LossGradient, b: i32, row: usize, total: usize): void {
  const results = rowResults(a.rowResults, b);
  results.norm2InfoNce = a.dunit != 0 ? addUnitGradient(a, b, row, total, hyperAt(a.hyper).info_nce) : 0;
}
