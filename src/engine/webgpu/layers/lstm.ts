/** One LSTM layer, gates i, f, g, o, PyTorch's formulas. T steps, I inputs, H hidden features. */
import type { ParameterBank } from '../bank.ts';
import { READ, WRITE, type Kernel } from '../kernel.ts';
import type { Memory, Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, rowStart, type Rows } from '../rows.ts';
import { elementGroups, elementKernel } from '../wgsl.ts';
import type { Dropout } from './dropout.ts';
import { GATES_WGSL, RecurrentProducts, States, type GradientAbove, type RecurrentSizes } from './recurrent.ts';

const GATES = 4;

export class LstmLayer {
  /** Hidden states, dropped where the layer drops: input of the next layer. */
  readonly y: Rows;
  private readonly sizes: RecurrentSizes;
  private readonly dropout: Dropout | undefined;
  private readonly products: RecurrentProducts;
  /** Gates of all steps: of the input and the hidden state before, activated after the cell. */
  private readonly gates: Rows;
  private readonly h: States;
  private readonly c: States;
  private readonly dgates: Rows;
  /** Gradients that a step hands to the one before it. */
  private readonly dh: Rows;
  private readonly dc: Tensor;

  constructor(bank: ParameterBank, memory: Memory, layer: number, sizes: RecurrentSizes, dropout?: Dropout) {
    const { H, T, maxB } = sizes;
    const name = `lstm l${layer}`;
    const G = GATES * H;
    this.sizes = sizes;
    this.dropout = dropout;
    this.products = new RecurrentProducts(bank, 'lstm', `l${layer}`, sizes, GATES);
    this.gates = rowsOf(memory.tensor(`${name} gates`, maxB * T * G), G, T);
    this.h = new States(memory, `${name} h`, sizes);
    this.c = new States(memory, `${name} c`, sizes);
    this.y = dropout ? rowsOf(memory.tensor(`${name} dropped`, maxB * T * H), H, T) : this.h.after;
    this.dgates = rowsOf(memory.scratch('lstm dgates', maxB * T * G), G, T);
    this.dh = rowsOf(memory.scratch('lstm dh', maxB * H), H);
    this.dc = memory.scratch('lstm dc', maxB * H);
  }

  forward(program: Program, x: Rows): void {
    const { gates, h, c, y, products, dropout, sizes } = this;
    products.ofInput(program, x, gates);
    const tensors = { gates: gates.tensor, bias: products.bias, c: c.after.tensor, h: h.after.tensor };
    const dropped = dropout && { tensors: { y: y.tensor }, keep: dropout.sequence(program, sizes.H) };
    for (let t = 0; t < sizes.T; t++) {
      if (t > 0) products.ofHidden(program, t, h.before, gates, true);
      program.add(forwardKernel(sizes, t, dropped?.keep), { ...tensors, ...dropped?.tensors }, elementGroups(sizes.H));
    }
  }

  /** From the gradient on y to those of the gates and the weights. */
  backward(program: Program, x: Rows, above: GradientAbove): void {
    const { gates, dgates, c, h, dh, dc, products, dropout, sizes } = this;
    const keep = dropout?.sequence(program, sizes.H);
    const tensors = { gates: gates.tensor, dgates: dgates.tensor, c: c.after.tensor, dh: dh.tensor, dc };
    for (let t = sizes.T - 1; t >= 0; t--) {
      const from = above(t);
      const kernel = backwardKernel(sizes, t, from, keep);
      program.add(kernel, { ...tensors, ...(from && { above: from.tensor }) }, elementGroups(sizes.H));
      if (t > 0) products.backwardHidden(program, t, dgates, dh, false);
    }
    products.backwardWeights(program, x, h.before, dgates, dgates);
  }

  backwardInput(program: Program, dx: Rows): void {
    this.products.backwardInput(program, this.dgates, dx, 'none');
  }
}

/** Places in the gates [maxB][T][4H] and in the states [maxB][T + 1][H] at step t. */
function places({ H, T }: RecurrentSizes, t: number): string {
  return `let gate = b * ${T * GATES * H}u + ${t * GATES * H}u + d;
  let before = b * ${(T + 1) * H}u + ${t * H}u + d;
  let after = before + ${H}u;`;
}

/** c = σ(f)·c₋ + σ(i)·tanh(g), h = σ(o)·tanh(c); the activated gates overwrite the gates. */
function forwardKernel(sizes: RecurrentSizes, t: number, keep: string | undefined): Kernel {
  const { H, T } = sizes;
  const body = `${places(sizes, t)}
  let i = sigmoid(gates[gate] + bias[d]);
  let f = sigmoid(gates[gate + ${H}u] + bias[d + ${H}u]);
  let g = squash(gates[gate + ${2 * H}u] + bias[d + ${2 * H}u]);
  let o = sigmoid(gates[gate + ${3 * H}u] + bias[d + ${3 * H}u]);
  gates[gate] = i;
  gates[gate + ${H}u] = f;
  gates[gate + ${2 * H}u] = g;
  gates[gate + ${3 * H}u] = o;
  let next = fma(f, c[before], i * g);
  c[after] = next;
  let state = o * squash(next);
  h[after] = state;
  ${keep ? `y[b * ${T * H}u + ${t * H}u + d] = state * keep_at(b, ${t}u, d);` : ''}`;
  const buffers = { gates: WRITE, bias: READ, c: WRITE, h: WRITE, ...(keep && { y: WRITE }) };
  return elementKernel({ label: 'lstm cell', buffers, declarations: GATES_WGSL + (keep ?? ''), columns: H, body });
}

/** Gradients of the gates before activation and of c₋. At the last step nothing comes from later steps. */
function backwardKernel(sizes: RecurrentSizes, t: number, above: Rows | undefined, keep: string | undefined): Kernel {
  const { H, T } = sizes;
  const isLast = t === T - 1;
  const fromAbove = above ? `above[${rowStart(above, 'b')} + d]${keep ? ` * keep_at(b, ${t}u, d)` : ''}` : '0.0';
  const body = `${places(sizes, t)}
  let i = gates[gate];
  let f = gates[gate + ${H}u];
  let g = gates[gate + ${2 * H}u];
  let o = gates[gate + ${3 * H}u];
  let squashed = squash(c[after]);
  let d_state = ${fromAbove}${isLast ? '' : ' + dh[at]'};
  let d_cell = d_state * o * (1.0 - squashed * squashed)${isLast ? '' : ' + dc[at]'};
  dgates[gate] = d_cell * g * i * (1.0 - i);
  dgates[gate + ${H}u] = d_cell * c[before] * f * (1.0 - f);
  dgates[gate + ${2 * H}u] = d_cell * i * (1.0 - g * g);
  dgates[gate + ${3 * H}u] = d_state * squashed * o * (1.0 - o);
  dc[at] = d_cell * f;`;
  const buffers = { gates: READ, dgates: WRITE, c: READ, dh: READ, dc: WRITE, ...(above && { above: READ }) };
  const declarations = GATES_WGSL + (keep ?? '');
  return elementKernel({ label: 'lstm cell backward', buffers, declarations, columns: H, body });
}
