/**
 * The batch on the device: contexts [maxB][T][D] and targets [maxB][D], and the contexts as the network reads them: less
 * their own mean or the corpus mean where the model has shifted inputs. The shift is added to the model's output.
 */
import type { InputShift } from '#shared/domain/models/models.ts';
import { CONTEXT_MEAN_WEIGHTS, CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import type { Parameter, ParameterBank } from './bank.ts';
import { READ, WRITE, type Kernel } from './kernel.ts';
import type { Memory, Tensor } from './device/memory.ts';
import type { Program } from './program.ts';
import { rowsOf, type Rows } from './rows.ts';
import { elementGroups, elementKernel } from './wgsl.ts';

export class BatchInput {
  readonly T: number;
  readonly D: number;
  readonly maxB: number;
  readonly contexts: Tensor;
  readonly targets: Tensor;
  /** Contexts as the network reads them, T rows an item. */
  readonly networkContexts: Rows;
  /** What is subtracted from the contexts. */
  readonly shift: InputShift | undefined;
  private corpusMean: Parameter | undefined;

  constructor(memory: Memory, T: number, D: number, maxB: number, shift?: InputShift) {
    this.T = T;
    this.D = D;
    this.maxB = maxB;
    this.shift = shift;
    this.contexts = memory.tensor('contexts', maxB * T * D);
    this.targets = memory.tensor('targets', maxB * D);
    const shifted = shift && memory.tensor('shifted contexts', maxB * T * D);
    this.networkContexts = rowsOf(shifted ?? this.contexts, D, T);
  }

  /** Adds the constant of shifted inputs to the bank of the model, after all parameters. */
  addConstant(bank: ParameterBank): void {
    if (this.shift === 'relative') bank.constant(CONTEXT_MEAN_WEIGHTS, this.T);
    if (this.shift === 'centred') this.corpusMean = bank.constant(CORPUS_MEAN, this.D);
  }

  /** Fills `networkContexts` and begins `raw` [B][D] with the shift; without shifted inputs it does neither. */
  shiftContexts(program: Program, raw: Tensor): void {
    if (this.shift === undefined) return;
    const { T, D, corpusMean, contexts } = this;
    const tensors = { contexts, shifted: this.networkContexts.tensor, raw };
    if (corpusMean) program.add(centre(T, D), { ...tensors, mean: corpusMean.w }, elementGroups(D));
    else program.add(relate(T, D), tensors, elementGroups(D));
  }
}

const buffers = { contexts: READ, shifted: WRITE, raw: WRITE };

function shiftBody(T: number, D: number, shift: string): string {
  return `let first = b * ${T * D}u + d;
  ${shift}
  raw[b * ${D}u + d] = shift;
  for (var t = 0u; t < ${T}u; t++) { shifted[first + t * ${D}u] = contexts[first + t * ${D}u] - shift; }`;
}

function centre(T: number, D: number): Kernel<typeof buffers & { mean: typeof READ }> {
  const body = shiftBody(T, D, 'let shift = mean[d];');
  return elementKernel({ label: 'centre contexts', buffers: { ...buffers, mean: READ }, columns: D, body });
}

function relate(T: number, D: number): Kernel<typeof buffers> {
  const shift = `var sum = 0.0;
  for (var t = 0u; t < ${T}u; t++) { sum += contexts[first + t * ${D}u]; }
  let shift = sum / ${T}.0;`;
  return elementKernel({ label: 'relate contexts', buffers, columns: D, body: shiftBody(T, D, shift) });
}
