/**
 * A model as a static graph of a few operations: what the ONNX and tfjs writers translate. Shapes are known but for the
 * batch, which is −1. Not here: the models (`models.ts`), any file format, any arithmetic.
 */

/** −1 stands for the batch, or for batch times positions. */
export type Shape = readonly number[];

export interface Value {
  readonly name: string;
  readonly shape: Shape;
}

export type UnaryOp = 'erf' | 'sigmoid' | 'tanh' | 'relu' | 'sqrt' | 'softmax' | 'identity';
export type BinaryOp = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum';

/**
 * `softmax` is over the last axis; `linear` is x [N, I] · weightᵀ [I, O] + bias; `layerNorm` has eps 1e-5; `topK` gives the
 * k largest entries of the last axis, largest first, and their positions; `gather` takes rows of a table [N, D] by position.
 */
export type Operation =
  | { readonly op: UnaryOp; readonly inputs: readonly [Value] }
  | { readonly op: BinaryOp; readonly inputs: readonly [Value, Value] }
  | { readonly op: 'linear' | 'layerNorm'; readonly inputs: readonly [Value, Value, Value] }
  | { readonly op: 'topK'; readonly inputs: readonly [Value]; readonly k: number; readonly positions: Value }
  | { readonly op: 'gather'; readonly inputs: readonly [Value, Value] }
  | { readonly op: 'matmul'; readonly inputs: readonly [Value, Value]; readonly transposeB: boolean }
  | { readonly op: 'mean' | 'sum'; readonly inputs: readonly [Value]; readonly axis: number; readonly keep: boolean }
  | { readonly op: 'reshape'; readonly inputs: readonly [Value]; readonly shape: Shape }
  | { readonly op: 'transpose'; readonly inputs: readonly [Value]; readonly order: readonly number[] }
  | { readonly op: 'concat'; readonly inputs: readonly Value[]; readonly axis: number }
  | {
      readonly op: 'slice';
      readonly inputs: readonly [Value];
      readonly axis: number;
      readonly from: number;
      readonly to: number;
    };

export type GraphNode = Operation & { readonly output: Value };

export interface Constant {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface Graph {
  readonly input: Value;
  readonly outputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  /** Weights under their PyTorch names, and the constants of the forward pass. */
  readonly constants: ReadonlyMap<string, Constant>;
}

export const LAYER_NORM_EPS = 1e-5;

/** Builds a graph in order; each method adds one node and gives its result. */
export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly constants = new Map<string, Constant>();

  private scope = '';

  /** Stands before the names of constants. */
  get prefix(): string {
    return this.scope;
  }

  /** What `build` makes, its constants under names that begin with `prefix`. */
  within<R>(prefix: string, build: () => R): R {
    const outer = this.scope;
    this.scope = outer + prefix;
    try {
      return build();
    } finally {
      this.scope = outer;
    }
  }

  /** A weight or constant; one name always stands for the same values. */
  constant(ownName: string, shape: Shape, data: Float32Array): Value {
    const name = this.scope + ownName;
    this.constants.set(name, { shape, data });
    return { name, shape };
  }

  scalar(name: string, value: number): Value {
    return this.constant(name, [], Float32Array.of(value));
  }

  unary(op: UnaryOp, x: Value): Value {
    return this.add({ op, inputs: [x] }, x.shape);
  }

  /** The shape is that of the operand with more axes; a shorter one is broadcast. */
  binary(op: BinaryOp, a: Value, b: Value): Value {
    return this.add({ op, inputs: [a, b] }, broadcast(a.shape, b.shape));
  }

  linear(x: Value, weight: Value, bias: Value): Value {
    return this.add({ op: 'linear', inputs: [x, weight, bias] }, [x.shape[0], weight.shape[0]]);
  }

  layerNorm(x: Value, weight: Value, bias: Value): Value {
    return this.add({ op: 'layerNorm', inputs: [x, weight, bias] }, x.shape);
  }

  matmul(a: Value, b: Value, transposeB = false): Value {
    const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
    return this.add({ op: 'matmul', inputs: [a, b], transposeB }, [...a.shape.slice(0, -1), columns]);
  }

  /** x [B, N] → the k largest of each row and their positions, an integer value for `gather`, both [B, k]. */
  topK(x: Value, k: number): { values: Value; positions: Value } {
    const shape = [...x.shape.slice(0, -1), k];
    const positions = { name: `positions_${this.nodes.length}`, shape };
    return { values: this.add({ op: 'topK', inputs: [x], k, positions }, shape), positions };
  }

  /** Rows of `table` [N, D] at `positions` [B, k]. [B, k, D] */
  gather(table: Value, positions: Value): Value {
    return this.add({ op: 'gather', inputs: [table, positions] }, [...positions.shape, ...table.shape.slice(1)]);
  }

  reduce(op: 'mean' | 'sum', x: Value, axis: number, keep = false): Value {
    const shape = x.shape.flatMap((n, i) => (i === axis ? (keep ? [1] : []) : [n]));
    return this.add({ op, inputs: [x], axis, keep }, shape);
  }

  reshape(x: Value, shape: Shape): Value {
    return this.add({ op: 'reshape', inputs: [x], shape }, shape);
  }

  transpose(x: Value, order: readonly number[]): Value {
    return this.add(
      { op: 'transpose', inputs: [x], order },
      order.map((axis) => x.shape[axis]),
    );
  }

  concat(inputs: readonly Value[], axis: number): Value {
    const width = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return this.add({ op: 'concat', inputs, axis }, inputs[0].shape.with(axis, width));
  }

  slice(x: Value, axis: number, from: number, to: number): Value {
    return this.add({ op: 'slice', inputs: [x], axis, from, to }, x.shape.with(axis, to - from));
  }

  /** Names the last node's result as an output of the graph. */
  named(name: string, x: Value): Value {
    const output = { name, shape: x.shape };
    this.nodes.push({ op: 'identity', inputs: [x], output });
    return output;
  }

  private add(operation: Operation, shape: Shape): Value {
    const output = { name: `${operation.op}_${this.nodes.length}`, shape };
    this.nodes.push({ ...operation, output });
    return output;
  }
}

function broadcast(a: Shape, b: Shape): Shape {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const offset = long.length - short.length;
  return long.map((n, i) => (n === 1 && i >= offset ? short[i - offset] : n));
}
