/** Layers with the weights of one model, added to a graph under their PyTorch names. B batch, T context length. */
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import type { NamedTensors } from '../types.ts';
import { GraphBuilder, type Constant, type Value } from './graph.ts';

export class GraphLayers {
  readonly builder = new GraphBuilder();
  private readonly parameters: ReadonlyMap<string, Constant>;

  /** Throws where a parameter is missing. */
  constructor(spec: ModelSpec, parameters: NamedTensors) {
    this.parameters = new Map(
      parameterShapes(spec).map(({ name, shape }) => {
        const data = parameters.get(name);
        if (!data) throw new Error(`the model has no parameter ${name}`);
        return [name, { shape, data }];
      }),
    );
  }

  weight(name: string): Value {
    const { shape, data } = this.parameter(name);
    return this.builder.constant(name, shape, data);
  }

  /** To compute a constant from. */
  valuesOf(name: string): Float32Array {
    return this.parameter(name).data;
  }

  private parameter(name: string): Constant {
    const parameter = this.parameters.get(this.builder.prefix + name);
    if (!parameter) throw new Error(`the model has no parameter ${this.builder.prefix}${name}`);
    return parameter;
  }

  linear(name: string, x: Value): Value {
    return this.builder.linear(x, this.weight(`${name}.weight`), this.weight(`${name}.bias`));
  }

  layerNorm(name: string, x: Value): Value {
    return this.builder.layerNorm(x, this.weight(`${name}.weight`), this.weight(`${name}.bias`));
  }

  /** The exact form, x·Φ(x). */
  gelu(x: Value): Value {
    const { builder } = this;
    const erf = builder.unary('erf', builder.binary('mul', x, builder.scalar('inverse_sqrt2', Math.SQRT1_2)));
    const half = builder.binary('mul', x, builder.scalar('half', 0.5));
    return builder.binary('mul', half, builder.binary('add', erf, builder.scalar('one', 1)));
  }

  /** x / max(‖x‖, minNorm) over the last axis; the constant is called `name`. */
  unit(x: Value, name: string, minNorm: number): Value {
    const { builder } = this;
    const norm = builder.unary('sqrt', builder.reduce('sum', builder.binary('mul', x, x), x.shape.length - 1, true));
    return builder.binary('div', x, builder.binary('maximum', norm, builder.scalar(name, minNorm)));
  }

  /** x [B, T, F] → T values [B, F]. */
  steps(x: Value, T: number): Value[] {
    const width = x.shape[2];
    return Array.from({ length: T }, (_, t) => this.builder.reshape(this.builder.slice(x, 1, t, t + 1), [-1, width]));
  }
}
