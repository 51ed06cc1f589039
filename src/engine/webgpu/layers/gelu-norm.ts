/** Linear → GELU → LayerNorm: LN(GELU(z)) with z = x·Wᵀ + b. Rows of F values. */
import type { ParameterBank } from '../bank.ts';
import { READ, WRITE } from '../kernel.ts';
import type { Memory } from '../device/memory.ts';
import type { Program } from '../program.ts';
import { rowsOf, type Rows } from '../rows.ts';
import { GELU_WGSL } from '../wgsl.ts';
import { Linear } from './linear.ts';
import { LayerNorm } from './norm.ts';

export interface GeluNormNames {
  readonly linear: string;
  readonly norm: string;
}

interface GeluNormSizes {
  /** Input features. */
  readonly I: number;
  /** Output features. */
  readonly F: number;
  readonly maxB: number;
}

export class GeluNorm {
  /** Gradient of the output, written by the next layer. */
  readonly dy: Rows;
  private readonly linear: Linear;
  private readonly norm: LayerNorm;
  private readonly z: Rows;
  private readonly dz: Rows;

  constructor(bank: ParameterBank, memory: Memory, names: GeluNormNames, { I, F, maxB }: GeluNormSizes) {
    const rows = (name: string) => rowsOf(memory.tensor(`${names.norm} ${name}`, maxB * F), F);
    this.linear = new Linear(bank, names.linear, I, F);
    this.norm = new LayerNorm(bank, memory, names.norm, { F, R: 1, maxB });
    this.dy = rows('dy');
    this.z = rows('z');
    this.dz = rows('dz');
  }

  get y(): Rows {
    return this.norm.y;
  }

  forward(program: Program, x: Rows): void {
    this.linear.forward(program, x, this.z);
    this.norm.forward(program, {
      label: 'GELU and LayerNorm',
      buffers: { z: READ },
      tensors: { z: this.z.tensor },
      declarations: GELU_WGSL,
      value: 'gelu(z[row + f])',
    });
  }

  /** From `dy` to the gradients of γ, β and of what GELU gets; call before the other backward parts. */
  backwardNorm(program: Program): void {
    this.norm.backward(program, this.dy, {
      label: 'GELU and LayerNorm backward',
      buffers: { z: READ, dz: WRITE },
      tensors: { z: this.z.tensor, dz: this.dz.tensor },
      declarations: GELU_WGSL,
      store: 'dz[row + f] = dh * gelu_gradient(z[row + f]);',
    });
  }

  /** Gradient of the inputs from `first` on. */
  backwardInput(program: Program, dx: Rows, first = 0): void {
    this.linear.backwardInput(program, this.dz, dx, { first });
  }

  backwardWeight(program: Program, x: Rows): void {
    this.linear.backwardWeight(program, x, this.dz);
  }
}
