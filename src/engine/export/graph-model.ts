/**
 * A graph as a tfjs graph model (`model.json` and one file of weights), which `tf.loadGraphModel` reads. A tfjs layers
 * model cannot express these models: it has no attention over a context and no GRU with PyTorch's reset gate.
 */
import { LAYER_NORM_EPS, type Graph, type GraphNode, type Shape, type Value } from './graph.ts';

const WEIGHTS_FILE = 'weights.bin';
const MODEL_FILE = 'model.json';

const SIMPLE_OPS = {
  erf: 'Erf',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  sqrt: 'Sqrt',
  softmax: 'Softmax',
  identity: 'Identity',
  add: 'AddV2',
  sub: 'Sub',
  mul: 'Mul',
  div: 'RealDiv',
  maximum: 'Maximum',
  minimum: 'Minimum',
} as const;

type Attributes = Readonly<Record<string, object>>;

interface TopologyNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr: Attributes;
}

interface Weight {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: 'float32' | 'int32';
  readonly data: Float32Array | Int32Array;
}

export interface GraphModelOptions {
  readonly version: string;
  /** Kept as the model's userDefinedMetadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The files of the model by name. */
export function encodeGraphModel(graph: Graph, options: GraphModelOptions): Map<string, Uint8Array> {
  const writer = new TopologyWriter();
  writer.placeholder(graph.input);
  for (const [name, { shape, data }] of graph.constants) writer.constant({ name, shape, dtype: 'float32', data });
  for (const node of graph.nodes) writer.write(node);
  const model = {
    format: 'graph-model',
    generatedBy: `nextvec ${options.version}`,
    convertedBy: null,
    signature: {
      inputs: { [graph.input.name]: tensorInfo(graph.input) },
      outputs: Object.fromEntries(graph.outputs.map((output) => [output.name, tensorInfo(output)])),
    },
    userDefinedMetadata: options.metadata,
    modelTopology: { node: writer.nodes, library: {}, versions: { producer: 27 } },
    weightsManifest: [
      { paths: [WEIGHTS_FILE], weights: writer.weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })) },
    ],
  };
  return new Map([
    [MODEL_FILE, new TextEncoder().encode(JSON.stringify(model))],
    [WEIGHTS_FILE, joined(writer.weights)],
  ]);
}

function joined(weights: readonly Weight[]): Uint8Array {
  const bytes = new Uint8Array(weights.reduce((sum, { data }) => sum + data.byteLength, 0));
  let at = 0;
  for (const { data } of weights) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function dimensions(shape: Shape): object {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

function tensorInfo({ name, shape }: Value): object {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: dimensions(shape) };
}

const FLOAT = { T: { type: 'DT_FLOAT' } };
const flag = (b: boolean): object => ({ b });

class TopologyWriter {
  readonly nodes: TopologyNode[] = [];
  readonly weights: Weight[] = [];
  private readonly written = new Set<string>();

  placeholder({ name, shape }: Value): void {
    this.nodes.push({
      name,
      op: 'Placeholder',
      attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: dimensions(shape) } },
    });
  }

  constant(weight: Weight): void {
    const dtype = weight.dtype === 'float32' ? 'DT_FLOAT' : 'DT_INT32';
    const value = { tensor: { dtype, tensorShape: dimensions(weight.shape) } };
    this.nodes.push({ name: weight.name, op: 'Const', attr: { dtype: { type: dtype }, value } });
    this.weights.push(weight);
  }

  write(node: GraphNode): void {
    const { name } = node.output;
    const inputs = node.inputs.map((input) => input.name);
    switch (node.op) {
      case 'linear':
        return this.linear(node);
      case 'layerNorm':
        return this.layerNorm(node);
      case 'matmul':
        return this.matmul(node);
      case 'mean':
      case 'sum': {
        const op = node.op === 'mean' ? 'Mean' : 'Sum';
        return this.push(name, op, [...inputs, this.integer([node.axis])], { keep_dims: flag(node.keep) });
      }
      case 'reshape':
        return this.push(name, 'Reshape', [...inputs, this.integer(node.shape)]);
      case 'transpose':
        return this.push(name, 'Transpose', [...inputs, this.integer(node.order)]);
      case 'concat':
        return this.push(name, 'ConcatV2', [...inputs, this.integer(node.axis)], { N: { i: String(inputs.length) } });
      case 'slice':
        return this.slice(node);
      case 'topK':
        this.push(name, 'TopKV2', [...inputs, this.integer(node.k)], { sorted: flag(true) });
        // The second output of a node has no name of its own.
        return this.push(node.positions.name, 'Identity', [`${name}:1`], { T: { type: 'DT_INT32' } });
      case 'gather':
        return this.push(name, 'GatherV2', [...inputs, this.integer(0)]);
      default:
        return this.push(name, SIMPLE_OPS[node.op], inputs);
    }
  }

  private linear({ inputs: [x, weight, bias], output }: Extract<GraphNode, { op: 'linear' | 'layerNorm' }>): void {
    const product = `${output.name}_product`;
    this.push(product, 'MatMul', [x.name, weight.name], { transpose_a: flag(false), transpose_b: flag(true) });
    this.push(output.name, 'AddV2', [product, bias.name]);
  }

  private layerNorm({ inputs: [x, weight, bias], output }: Extract<GraphNode, { op: 'linear' | 'layerNorm' }>): void {
    const part = (suffix: string): string => `${output.name}_${suffix}`;
    const last = this.integer([x.shape.length - 1]);
    this.push(part('mean'), 'Mean', [x.name, last], { keep_dims: flag(true) });
    this.push(part('centred'), 'Sub', [x.name, part('mean')]);
    this.push(part('square'), 'Mul', [part('centred'), part('centred')]);
    this.push(part('variance'), 'Mean', [part('square'), last], { keep_dims: flag(true) });
    this.push(part('shifted'), 'AddV2', [part('variance'), this.float('layer_norm_eps', LAYER_NORM_EPS)]);
    this.push(part('scale'), 'Rsqrt', [part('shifted')]);
    this.push(part('unit'), 'Mul', [part('centred'), part('scale')]);
    this.push(part('weighted'), 'Mul', [part('unit'), weight.name]);
    this.push(output.name, 'AddV2', [part('weighted'), bias.name]);
  }

  private matmul({ inputs: [a, b], output, transposeB }: Extract<GraphNode, { op: 'matmul' }>): void {
    const names = [a.name, b.name];
    if (a.shape.length > 2) {
      this.push(output.name, 'BatchMatMulV2', names, { adj_x: flag(false), adj_y: flag(transposeB) });
    } else {
      this.push(output.name, 'MatMul', names, { transpose_a: flag(false), transpose_b: flag(transposeB) });
    }
  }

  private slice({ inputs: [x], output, axis, from, to }: Extract<GraphNode, { op: 'slice' }>): void {
    const begin = x.shape.map((_, i) => (i === axis ? from : 0));
    const size = x.shape.map((_, i) => (i === axis ? to - from : -1));
    this.push(output.name, 'Slice', [x.name, this.integer(begin), this.integer(size)]);
  }

  private push(name: string, op: string, input: readonly string[], attr: Attributes = {}): void {
    this.nodes.push({ name, op, input, attr: { ...FLOAT, ...attr } });
  }

  /** The name of a constant int32: a list, or one number. */
  private integer(values: readonly number[] | number): string {
    const list = typeof values === 'number' ? [values] : values;
    const kind = typeof values === 'number' ? 'int' : 'ints';
    const name = `${kind}_${list.join('_').replaceAll('-', 'm')}`;
    if (this.written.has(name)) return name;
    this.written.add(name);
    const shape = typeof values === 'number' ? [] : [list.length];
    this.constant({ name, shape, dtype: 'int32', data: Int32Array.from(list) });
    return name;
  }

  private float(name: string, value: number): string {
    if (this.written.has(name)) return name;
    this.written.add(name);
    this.constant({ name, shape: [], dtype: 'float32', data: Float32Array.of(value) });
    return name;
  }
}
