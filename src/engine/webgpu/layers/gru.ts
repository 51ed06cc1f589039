/**
 * One GRU layer, gates r, z, n in PyTorch's form (the reset gate on W_hn·h + b_hn). T steps, I inputs, H hidden features.
 */
import type { ParameterBank } from '../bank.ts';
import { READ, WRITE, type Kernel } from '../kernel.ts';
import type { Memory, Tensor } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, rowStart, type Rows } from '../rows.ts';
import { elementGroups, elementKernel } from '../wgsl.ts';
import type { Filled } from './linear.ts';
import { GATES_WGSL, RecurrentProducts, States, type GradientAbove, type RecurrentSizes } from './recurrent.ts';

const GATES = 3;

export class GruLayer {
  private readonly sizes: RecurrentSizes;
  private readonly products: RecurrentProducts;
  /** Gates of all steps: of the input before, r, z, n after the cell. */
  private readonly gates: Rows;
  /** Gates of the hidden state before, without b_hh; zero at the first step. */
  private readonly ofHidden: Rows;
  private readonly states: States;
  private readonly dgates: Rows;
  private readonly dofHidden: Rows;
  /** Gradient that a step hands to the one before it. */
  private readonly dh: Rows;

  constructor(bank: ParameterBank, memory: Memory, name: string, sizes: RecurrentSizes) {
    const { H, T, maxB } = sizes;
    const G = GATES * H;
    const rows = (tensor: Tensor) => rowsOf(tensor, G, T);
    this.sizes = sizes;
    this.products = new RecurrentProducts(bank, name, 'l0', sizes, GATES);
    this.gates = rows(memory.tensor(`${name} gates`, maxB * T * G));
    this.ofHidden = rows(memory.tensor(`${name} gates of hidden`, maxB * T * G));
    this.states = new States(memory, `${name} h`, sizes);
    this.dgates = rows(memory.scratch('gru dgates', maxB * T * G));
    this.dofHidden = rows(memory.scratch('gru dgates of hidden', maxB * T * G));
    this.dh = rowsOf(memory.scratch('gru dh', maxB * H), H);
  }

  /** Hidden states of all steps. */
  get h(): Rows {
    return this.states.after;
  }

  forward(program: Program, x: Rows): void {
    const { gates, ofHidden, states, products, sizes } = this;
    products.ofInput(program, x, gates);
    const h = states.after.tensor;
    const tensors = { gates: gates.tensor, ofHidden: ofHidden.tensor, bias: products.bias, h };
    for (let t = 0; t < sizes.T; t++) {
      if (t > 0) products.ofHidden(program, t, states.before, ofHidden, false);
      program.add(forwardKernel(sizes, t), tensors, elementGroups(sizes.H));
    }
  }

  /** From the gradient on h to those of the gates and the weights. */
  backward(program: Program, x: Rows, above: GradientAbove): void {
    const { gates, ofHidden, dgates, dofHidden, states, dh, products, sizes } = this;
    const tensors = {
      gates: gates.tensor,
      ofHidden: ofHidden.tensor,
      bias: products.bias,
      h: states.after.tensor,
      dgates: dgates.tensor,
      dofHidden: dofHidden.tensor,
      dh: dh.tensor,
    };
    for (let t = sizes.T - 1; t >= 0; t--) {
      const from = above(t);
      program.add(
        backwardKernel(sizes, t, from),
        { ...tensors, ...(from && { above: from.tensor }) },
        elementGroups(sizes.H),
      );
      if (t > 0) products.backwardHidden(program, t, dofHidden, dh, true);
    }
    products.backwardWeights(program, x, states.before, dgates, dofHidden);
  }

  backwardInput(program: Program, dx: Rows, filled: Filled): void {
    this.products.backwardInput(program, this.dgates, dx, filled);
  }
}

/** Places in the gates [maxB][T][3H] and in the states [maxB][T + 1][H] at step t. */
function places({ H, T }: RecurrentSizes, t: number): string {
  return `let gate = b * ${T * GATES * H}u + ${t * GATES * H}u + d;
  let before = b * ${(T + 1) * H}u + ${t * H}u + d;`;
}

/** r = σ(r), z = σ(z), n = tanh(n_x + r·n_h), h = n + z·(h₋ − n); r, z, n overwrite the gates of the input. */
function forwardKernel(sizes: RecurrentSizes, t: number): Kernel<typeof forwardBuffers> {
  const { H } = sizes;
  const gate = (k: number) => `gates[gate + ${k * H}u]`;
  const hidden = (k: number) => `(ofHidden[gate + ${k * H}u] + bias[d + ${k * H}u])`;
  const body = `${places(sizes, t)}
  let r = sigmoid(${gate(0)} + ${hidden(0)});
  let z = sigmoid(${gate(1)} + ${hidden(1)});
  let n = squash(fma(r, ${hidden(2)}, ${gate(2)}));
  ${gate(0)} = r;
  ${gate(1)} = z;
  ${gate(2)} = n;
  h[before + ${H}u] = fma(z, h[before] - n, n);`;
  return elementKernel({ label: 'gru cell', buffers: forwardBuffers, declarations: GATES_WGSL, columns: H, body });
}

const forwardBuffers = { gates: WRITE, ofHidden: READ, bias: READ, h: WRITE };

/**
 * Gradients of both kinds of gates; `dh` becomes the direct part of the gradient of h₋. At the last step nothing comes
 * from later steps.
 */
function backwardKernel(sizes: RecurrentSizes, t: number, above: Rows | undefined): Kernel {
  const { H, T } = sizes;
  const terms = [above && `above[${rowStart(above, 'b')} + d]`, t < T - 1 && 'dh[at]'].filter(Boolean);
  const body = `${places(sizes, t)}
  let r = gates[gate];
  let z = gates[gate + ${H}u];
  let n = gates[gate + ${2 * H}u];
  let d_state = ${terms.join(' + ')};
  let dn = d_state * (1.0 - z) * (1.0 - n * n);
  let dr = dn * (ofHidden[gate + ${2 * H}u] + bias[d + ${2 * H}u]) * r * (1.0 - r);
  let dz = d_state * (h[before] - n) * z * (1.0 - z);
  dgates[gate] = dr;
  dgates[gate + ${H}u] = dz;
  dgates[gate + ${2 * H}u] = dn;
  dofHidden[gate] = dr;
  dofHidden[gate + ${H}u] = dz;
  dofHidden[gate + ${2 * H}u] = dn * r;
  dh[at] = d_state * z;`;
  const buffers = {
    gates: READ,
    ofHidden: READ,
    bias: READ,
    h: READ,
    dgates: WRITE,
    dofHidden: WRITE,
    dh: WRITE,
    ...(above && { above: READ }),
  };
  return elementKernel({ label: 'gru cell backward', buffers, columns: H, body });
}
