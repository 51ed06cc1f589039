/**
 * The parameters of a model in four tensors of the same layout: weights w, gradients g, first and second moments m and v.
 * Each parameter is row-major as PyTorch keeps it; constants of the model follow all parameters.
 */
import type { NamedTensors } from '../types.ts';
import { aligned, slice, type Memory, type Tensor } from './device/memory.ts';

export type BankPart = 'w' | 'g' | 'm' | 'v';

/** One parameter; its tensors exist once the bank is placed. */
export class Parameter {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  private readonly bank: ParameterBank;

  constructor(bank: ParameterBank, name: string, offset: number, length: number) {
    this.bank = bank;
    this.name = name;
    this.offset = offset;
    this.length = length;
  }

  get w(): Tensor {
    return slice(this.bank.tensor('w'), this.offset, this.length);
  }

  get g(): Tensor {
    return slice(this.bank.tensor('g'), this.offset, this.length);
  }
}

/** Weight [outputs, inputs] and bias [outputs] of a Linear. */
export interface LinearParameters {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly inputs: number;
  readonly outputs: number;
}

export class ParameterBank {
  private readonly parameters: Parameter[] = [];
  private size = 0;
  private trained = 0;
  private tensors: Readonly<Record<BankPart, Tensor>> | undefined;

  /** `names`: of the two tensors where they are not `name.weight` and `name.bias`. */
  linear(name: string | { weight: string; bias: string }, inputs: number, outputs: number): LinearParameters {
    const { weight, bias } = typeof name === 'string' ? { weight: `${name}.weight`, bias: `${name}.bias` } : name;
    return { weight: this.vector(weight, outputs * inputs), bias: this.vector(bias, outputs), inputs, outputs };
  }

  vector(name: string, length: number): Parameter {
    const parameter = this.constant(name, length);
    this.trained = this.size;
    return parameter;
  }

  /** Stored with the parameters, never updated; add constants after all of them. */
  constant(name: string, length: number): Parameter {
    const parameter = new Parameter(this, name, this.size, length);
    this.parameters.push(parameter);
    this.size += aligned(length);
    return parameter;
  }

  /** Elements of one part up to the first constant. */
  get trainedLength(): number {
    return this.trained;
  }

  /** Reserves the four tensors. */
  place(memory: Memory): void {
    const part = (name: BankPart) => memory.tensor(`parameters ${name}`, this.size);
    this.tensors = { w: part('w'), g: part('g'), m: part('m'), v: part('v') };
  }

  tensor(part: BankPart): Tensor {
    if (!this.tensors) throw new Error('webgpu parameters: the bank is not placed yet');
    return this.tensors[part];
  }

  /** All values of one part from named tensors; throws where one is missing or has another length. */
  pack(tensors: NamedTensors): Float32Array<ArrayBuffer> {
    const values = new Float32Array(this.size);
    for (const { name, offset, length } of this.parameters) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`parameter "${name}" is missing; the model needs it`);
      if (tensor.length !== length)
        throw new Error(`parameter "${name}" has ${tensor.length} values, the model needs ${length}`);
      values.set(tensor, offset);
    }
    return values;
  }

  unpack(values: Float32Array): NamedTensors {
    return new Map(this.parameters.map(({ name, offset, length }) => [name, values.slice(offset, offset + length)]));
  }
}
