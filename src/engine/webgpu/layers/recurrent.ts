/**
 * What LSTM and GRU layers share: the two products, PyTorch's weight_ih and weight_hh, and the states of all steps. The
 * input's product is one over all steps, as are both weight gradients; the hidden state's goes step by step. It leaves its
 * bias to the cell: the first hidden state is zero and has no product.
 * T steps, I inputs, H hidden features, G = gates·H.
 */
import type { Parameter, ParameterBank } from '../bank.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, stepOf, type Rows } from '../rows.ts';
import { addInputGradient, Linear, outputPart, type Filled } from './linear.ts';

/** σ and tanh as in simd/assembly/layers/gates.ts, without overflow for any argument. */
export const GATES_WGSL = `fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(clamp(-x, -87.0, 87.0))); }
fn squash(a: f32) -> f32 {
  let x = clamp(a, -7.90531110763549805, 7.90531110763549805);
  let s = x * x;
  var p = -2.76076847742355e-16;
  p = fma(p, s, 2.00018790482477e-13);
  p = fma(p, s, -8.60467152213735e-11);
  p = fma(p, s, 5.12229709037114e-08);
  p = fma(p, s, 1.48572235717979e-05);
  p = fma(p, s, 6.37261928875436e-04);
  p = fma(p, s, 4.89352455891786e-03);
  var q = 1.19825839466702e-06;
  q = fma(q, s, 1.18534705686654e-04);
  q = fma(q, s, 2.26843463243900e-03);
  q = fma(q, s, 4.89352518554385e-03);
  return x * p / q;
}
`;

export interface RecurrentSizes {
  readonly I: number;
  readonly H: number;
  readonly T: number;
  readonly maxB: number;
}

/** Gradient that comes to the hidden states from the layer above; absent at steps that it does not read. */
export type GradientAbove = (t: number) => Rows | undefined;

/** States [maxB][T + 1][H] of a layer; those before the first step are zero. */
export class States {
  /** State before each step. */
  readonly before: Rows;
  readonly after: Rows;

  constructor(memory: Memory, label: string, { H, T, maxB }: RecurrentSizes) {
    const tensor = memory.tensor(label, maxB * (T + 1) * H);
    const itemStride = (T + 1) * H;
    this.before = rowsOf(tensor, H, T, { itemStride });
    this.after = rowsOf(tensor, H, T, { itemStride, offset: H });
  }
}

export class RecurrentProducts {
  private readonly input: Linear;
  private readonly hidden: Linear;
  private readonly hiddenBias: Parameter;

  /** `suffix` is the layer in PyTorch's names, e.g. "l0". */
  constructor(bank: ParameterBank, name: string, suffix: string, { I, H }: RecurrentSizes, gates: number) {
    const G = gates * H;
    const linear = (kind: string, inputs: number) => {
      const names = { weight: `${name}.weight_${kind}_${suffix}`, bias: `${name}.bias_${kind}_${suffix}` };
      return outputPart(bank.linear(names, inputs, G), 0, G);
    };
    const [input, hidden] = [linear('ih', I), linear('hh', H)];
    this.input = new Linear(bank, `${name} input`, I, G, input);
    this.hidden = new Linear(bank, `${name} hidden`, H, G, hidden);
    this.hiddenBias = hidden.bias;
  }

  /** b_hh [G] */
  get bias() {
    return this.hiddenBias.w;
  }

  /** Gates of the input of all steps, with b_ih. */
  ofInput(program: Program, x: Rows, gates: Rows): void {
    this.input.forward(program, x, gates);
  }

  /** Gates of the state before step t > 0, without b_hh; added to `gates` where `accumulate`. */
  ofHidden(program: Program, t: number, before: Rows, gates: Rows, accumulate: boolean): void {
    this.hidden.forward(program, stepOf(before, t), stepOf(gates, t), { bias: false, accumulate });
  }

  /** Gradient of the state before step t > 0 from that of its gates. */
  backwardHidden(program: Program, t: number, dgates: Rows, dh: Rows, accumulate: boolean): void {
    this.hidden.backwardInput(program, stepOf(dgates, t), dh, { accumulate });
  }

  backwardInput(program: Program, dgates: Rows, dx: Rows, filled: Filled): void {
    addInputGradient(program, this.input, dgates, dx, filled);
  }

  backwardWeights(program: Program, x: Rows, before: Rows, dofInput: Rows, dofHidden: Rows): void {
    this.input.backwardWeight(program, x, dofInput);
    this.hidden.backwardWeight(program, before, dofHidden);
  }
}
