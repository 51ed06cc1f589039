/** The matrix product for a fit of the baselines: that of tfjs where it gains more time than it takes to load. */
import type { EngineHost } from '../types.ts';
import { baselineWork, type BaselineSplits } from './baselines.ts';
import { plainProduct, type MatrixProduct } from './matrix.ts';

/** Multiply-adds that plain loops do in about a tenth of a second, the time that tfjs takes to load. */
const SMALL_WORK = 5e7;

/** Whether plain loops fit and score the baselines within a tenth of a second. */
export function isSmallFit(splits: BaselineSplits): boolean {
  return baselineWork(splits) < SMALL_WORK;
}

export async function productFor(splits: BaselineSplits, host: EngineHost): Promise<MatrixProduct> {
  if (isSmallFit(splits)) return plainProduct;
  const { wasmProduct } = await import('../tfjs/matrix.ts');
  return (await wasmProduct(host)) ?? plainProduct;
}
