// Batch statistics per dimension, and the terms made of them.
import { fma, splat } from '../math';
import { args, nextUnit } from '../sync';
import { rawDimensions4 } from './raw-terms';
import { unitDimensions4 } from './unit-terms';
import { BatchStatistics, Coefficients, DimensionResults, STATISTICS_BLOCK } from '../../abi/losses.ts';

export function batchStatistics(op: usize): void {
  const a = args<BatchStatistics>(op);
  const isDefined = a.B > 1;
  const D = <i32>(a.rowBytes >> 2);
  for (let unit = nextUnit(op); unit >= 0; unit = nextUnit(op)) {
    const results = changetype<DimensionResults>(a.dimensionResults + <usize>unit * offsetof<DimensionResults>());
    clear(results, isDefined ? 0 : NaN);
    const end = min((unit + 1) * STATISTICS_BLOCK, D);
    for (let d = unit * STATISTICS_BLOCK; d < end; d += 4) {
      if (isDefined) dimensions4(a, d, results);
      else noGradient4(a, <usize>d << 2);
    }
  }
}

function clear(results: DimensionResults, value: f64): void {
  const at = changetype<usize>(results);
  for (let field: usize = 0; field < offsetof<DimensionResults>(); field += sizeof<f64>()) store<f64>(at + field, value);
}

/** Zeroes every coefficient of four dimensions. */
function noGradient4(a: BatchStatistics, at: usize): void {
  const rows = changetype<usize>(a);
  for (let field: usize = 0; field < offsetof<Coefficients>(); field += sizeof<usize>()) {
    v128.store(load<usize>(rows + field) + at, splat(0));
  }
}

/** Dimensions d to d + 3: mean and unbiased σ of raw, target and unit prediction, then every term. */
function dimensions4(a: BatchStatistics, d: i32, results: DimensionResults): void {
  const L = a.rowBytes;
  const B = a.B;
  const at = <usize>d << 2;
  const raw = a.raw + at;
  const target = a.targets + at;
  const unit = a.unit + at;
  let sumR = splat(0);
  let sumT = splat(0);
  let sumP = splat(0);
  for (let b = 0; b < B; b++) {
    const row = <usize>b * L;
    sumR = f32x4.add(sumR, v128.load(raw + row));
    sumT = f32x4.add(sumT, v128.load(target + row));
    sumP = f32x4.add(sumP, v128.load(unit + row));
  }
  const inverseB = splat(<f32>1 / <f32>B);
  const meanR = f32x4.mul(sumR, inverseB);
  const meanT = f32x4.mul(sumT, inverseB);
  const meanP = f32x4.mul(sumP, inverseB);
  let varR = splat(0);
  let varT = splat(0);
  let varP = splat(0);
  for (let b = 0; b < B; b++) {
    const row = <usize>b * L;
    const r = f32x4.sub(v128.load(raw + row), meanR);
    const t = f32x4.sub(v128.load(target + row), meanT);
    const p = f32x4.sub(v128.load(unit + row), meanP);
    varR = fma(r, r, varR);
    varT = fma(t, t, varT);
    varP = fma(p, p, varP);
  }
  const inverseFree = splat(<f32>1 / <f32>(B - 1));
  const sigmaR = f32x4.sqrt(f32x4.mul(varR, inverseFree));
  const sigmaT = f32x4.sqrt(f32x4.mul(varT, inverseFree));
  const sigmaP = f32x4.sqrt(f32x4.mul(varP, inverseFree));
  rawDimensions4(a, d, results, meanR, sigmaR, meanT, sigmaT);
  unitDimensions4(a, d, results, meanP, sigmaP);
}
