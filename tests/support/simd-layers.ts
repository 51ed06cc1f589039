/** Dropout masks and element-wise sums for tests of the simd layers. */
import { HYPER } from '#engine/simd/hyper.ts';
import { writeDropoutKeys } from '#engine/simd/layers/dropout.ts';
import { Program } from '#engine/simd/program.ts';
import { dropoutFactor, panelElement } from '../reference/dropout.ts';
import type { KernelBench } from './kernels.ts';

export const SEED = 5;
export const STEP = 3;

/** Runs a program in training mode, i.e. with dropout. */
export function runTraining(bench: KernelBench, emit: (program: Program) => void): void {
  writeDropoutKeys(new DataView(bench.buffer), bench.hyper, SEED, STEP);
  bench.run((program) => {
    const training = new Program(bench.slots, 4096, true);
    emit(training);
    program.operations.push(...training.operations);
  });
}

export function dropoutKeys(bench: KernelBench): [number, number] {
  const [first, second] = new Uint32Array(bench.buffer, bench.hyper + 4 * HYPER.dropoutKey0, 2);
  return [first, second];
}

/** Dropout factors of one site, [rows, F]. */
export function dropoutMask(bench: KernelBench, site: number, rows: number, F: number, p: number): Float64Array {
  const keys = dropoutKeys(bench);
  const mask = new Float64Array(rows * F);
  for (let r = 0; r < rows; r++) {
    for (let f = 0; f < F; f++) mask[r * F + f] = dropoutFactor(keys, site, panelElement(r, f, F), p);
  }
  return mask;
}

export function multiply(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (x, i) => x * b[i]);
}

export function add(...all: ArrayLike<number>[]): Float64Array {
  return Float64Array.from(all[0], (_, i) => all.reduce((sum, x) => sum + x[i], 0));
}
