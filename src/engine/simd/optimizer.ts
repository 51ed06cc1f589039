/**
 * From activations and their gradients to updated parameters: weight gradients, global norm, clipping, AdamW. Large
 * batches write gradients and update all of the bank; small ones update each weight right where its gradient is made.
 */
import type { OptimizerConfig } from '../types.ts';
import { Adamw, Gram, GramNorm } from './abi/optimizer.ts';
import { HYPER } from './hyper.ts';
import { panelCount, type Arena, type Matrix } from './layout.ts';
import type { Network, WeightTerm } from './models/network.ts';
import type { ParameterBank } from './parameters.ts';
import type { Program } from './program.ts';

/** 32 KiB of each of the four arrays: they stay in the second-level cache while one unit runs. */
const UNIT_BYTES = 32_768;

/** Largest batch whose update is fused: the products of batch rows grow with B² and are cheap up to here. */
const FUSED_MAX_BATCH = 48;
/** Products of batch rows of one model: two for each Linear at most. */
const GRAMS = 16;

/** What an update needs of a network. */
type UpdatedNetwork = Pick<Network, 'bank' | 'weightTerms' | 'vectors' | 'vectorGradients'>;

/** Gradient of the loss on the output of a batch, as panel and as strip8. */
interface OutputGradient {
  readonly draw: Matrix;
  readonly drawStrip: Matrix;
  readonly B: number;
}

/** Weight gradients into the bank and their sum of squares into the program's slots. */
export function emitGradients(program: Program, network: UpdatedNetwork, gradient: OutputGradient): void {
  const { draw, drawStrip, B } = gradient;
  for (const { linear, inputStrip, gradientStrip, bias, rows } of network.weightTerms(draw, drawStrip, B)) {
    linear.backwardWeight(program, inputStrip, gradientStrip, rows ?? B, bias);
  }
  network.vectorGradients(program, B);
}

export class Optimizer {
  private readonly slotsAt: number;
  private readonly hyper: number;
  private readonly grams: readonly number[];

  constructor(arena: Arena, slotsAt: number, hyper: number) {
    this.slotsAt = slotsAt;
    this.hyper = hyper;
    this.grams = Array.from({ length: GRAMS }, () => arena.floats(FUSED_MAX_BATCH ** 2));
  }

  /** Gradients, clipping and update. `beside` appends work that may run beside the gradients. */
  emitUpdate(program: Program, network: UpdatedNetwork, gradient: OutputGradient, beside: () => void): void {
    const { draw, drawStrip, B } = gradient;
    const terms = network.weightTerms(draw, drawStrip, B);
    const inPlace = B <= FUSED_MAX_BATCH && terms.every(({ rows }) => rows === undefined);
    if (inPlace) return this.emitFused(program, network, terms, B, beside);
    emitGradients(program, network, gradient);
    beside();
    program.barrier();
    this.emitRange(program, network.bank, 0, network.bank.trainedBytes);
  }

  private emitFused(
    program: Program,
    network: UpdatedNetwork,
    terms: readonly WeightTerm[],
    B: number,
    beside: () => void,
  ): void {
    const { slotsAt, hyper } = this;
    const grams = this.emitGrams(program, terms, B);
    network.vectorGradients(program, B);
    beside();
    program.barrier();
    for (const { inputs, gradient, bias } of terms) {
      const [first, second] = inputs.map(({ at }) => grams.get(at)!);
      program.add('gradient norm', GramNorm, 1, {
        inputs: first,
        moreInputs: second ?? 0,
        gradient: grams.get(gradient.at)!,
        P: panelCount(B),
        withBias: bias ? 1 : 0,
        slot: program.takeSlots(1),
      });
    }
    program.barrier();
    for (const { linear, inputStrip, gradientStrip, bias } of terms) {
      linear.updateWeight(program, inputStrip, gradientStrip, B, { bias, slotsAt, slots: program.slots, hyper });
    }
    for (const { offset, bytes } of network.vectors) this.emitRange(program, network.bank, offset, bytes);
  }

  /** AdamW of `bytes` bytes of the bank from `offset` on, with gradients from the bank. */
  private emitRange(program: Program, bank: ParameterBank, offset: number, bytes: number): void {
    program.add('AdamW', Adamw, Math.ceil(bytes / UNIT_BYTES), {
      w: bank.address('weights', offset),
      g: bank.address('gradients', offset),
      m: bank.address('m', offset),
      v: bank.address('v', offset),
      bytes,
      unitBytes: UNIT_BYTES,
      slots: this.slotsAt,
      slotCount: program.slots,
      hyper: this.hyper,
    });
  }

  /** Products of batch rows of every panel the norms need, each once; by address of the panel. */
  private emitGrams(program: Program, terms: readonly WeightTerm[], B: number): Map<number, number> {
    const grams = new Map<number, number>();
    const panels = panelCount(B);
    for (const panel of terms.flatMap(({ inputs, gradient }) => [...inputs, gradient])) {
      if (grams.has(panel.at)) continue;
      if (grams.size === GRAMS) throw new Error(`simd optimizer: more than ${GRAMS} products of batch rows`);
      const at = this.grams[grams.size];
      grams.set(panel.at, at);
      const units = (panels * (panels + 1)) / 2;
      program.add('row products', Gram, units, {
        panel: panel.at,
        pitch: panel.pitch,
        F: panel.features,
        P: panels,
        gram: at,
      });
    }
    return grams;
  }
}

/**
 * `step` is 1-based. m/(1 − β1ᵗ) / (√(v/(1 − β2ᵗ)) + ε) is taken as m·√(1 − β2ᵗ)/(1 − β1ᵗ) / (√v + ε·√(1 − β2ᵗ)).
 */
export function writeOptimizerHyper(hyper: Float32Array, config: OptimizerConfig, lr: number, step: number): void {
  const root2 = Math.sqrt(1 - config.beta2 ** step);
  hyper[HYPER.decay] = 1 - lr * config.weightDecay;
  hyper[HYPER.stepSize] = (-lr * root2) / (1 - config.beta1 ** step);
  hyper[HYPER.eps] = config.eps * root2;
  hyper[HYPER.beta1] = config.beta1;
  hyper[HYPER.beta2] = config.beta2;
  hyper[HYPER.keep1] = 1 - config.beta1;
  hyper[HYPER.keep2] = 1 - config.beta2;
  hyper[HYPER.clip] = config.clip;
  hyper[HYPER.grainM] = 1e-25;
  hyper[HYPER.grainV] = 1e-30;
}
