/**
 * A graph as an ONNX model: operator set 17, float32, the batch a free axis named "batch", weights as initialisers under
 * their PyTorch names. ONNX has no Linear of its own: Gemm is it, with PyTorch's [out, in] weights as they are.
 */
import { LAYER_NORM_EPS, type Graph, type GraphNode, type Value } from './graph.ts';
import {
  ATTRIBUTE,
  ELEMENT,
  encodeModel,
  type Attribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx-schema.ts';

const OPSET = 17;
const IR_VERSION = 8;

const SIMPLE_OPS = {
  erf: 'Erf',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  sqrt: 'Sqrt',
  identity: 'Identity',
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  maximum: 'Max',
  minimum: 'Min',
} as const;

export interface OnnxOptions {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Kept in the file's metadata_props. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bytes of the .onnx file. */
export function encodeOnnx(graph: Graph, { name, version, description, metadata }: OnnxOptions): Uint8Array {
  const writer = new OnnxWriter();
  for (const node of graph.nodes) writer.write(node);
  for (const [constant, { shape, data }] of graph.constants) {
    writer.initializers.push(
      tensor(constant, shape, ELEMENT.float, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    );
  }
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: 'nextvec',
    producerVersion: version,
    docString: description,
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name,
      node: writer.nodes,
      initializer: writer.initializers,
      input: [valueInfo(graph.input)],
      output: graph.outputs.map(valueInfo),
    },
  });
}

function tensor(name: string, dims: readonly number[], dataType: number, rawData: Uint8Array): OnnxTensor {
  return { name, dims, dataType, rawData };
}

function valueInfo({ name, shape }: Value): OnnxValue {
  const dim = shape.map((n) => (n < 0 ? { dimParam: 'batch' } : { dimValue: n }));
  return { name, type: { tensorType: { elemType: ELEMENT.float, shape: { dim } } } };
}

const int = (name: string, i: number): Attribute => ({ name, type: ATTRIBUTE.int, i });
const ints = (name: string, values: readonly number[]): Attribute => ({ name, type: ATTRIBUTE.ints, ints: values });

class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  private readonly integers = new Set<string>();

  write(node: GraphNode): void {
    const names = node.inputs.map(({ name }) => name);
    switch (node.op) {
      case 'softmax':
        return this.add(node, 'Softmax', names, [int('axis', -1)]);
      case 'linear':
        return this.add(node, 'Gemm', names, [int('transB', 1)]);
      case 'layerNorm':
        return this.add(node, 'LayerNormalization', names, [
          int('axis', -1),
          { name: 'epsilon', type: ATTRIBUTE.float, f: LAYER_NORM_EPS },
        ]);
      case 'matmul':
        return this.matmul(node);
      case 'mean':
        return this.add(node, 'ReduceMean', names, [ints('axes', [node.axis]), int('keepdims', node.keep ? 1 : 0)]);
      case 'sum':
        return this.add(node, 'ReduceSum', [...names, this.integer([node.axis])], [int('keepdims', node.keep ? 1 : 0)]);
      case 'reshape':
        return this.add(node, 'Reshape', [...names, this.integer(node.shape)]);
      case 'transpose':
        return this.add(node, 'Transpose', names, [ints('perm', node.order)]);
      case 'concat':
        return this.add(node, 'Concat', names, [int('axis', node.axis)]);
      case 'slice':
        return this.add(node, 'Slice', [...names, ...[node.from, node.to, node.axis].map((n) => this.integer([n]))]);
      case 'topK':
        return this.push([node.output.name, node.positions.name], 'TopK', [...names, this.integer([node.k])]);
      case 'gather':
        return this.add(node, 'Gather', names, [int('axis', 0)]);
      default:
        return this.add(node, SIMPLE_OPS[node.op], names);
    }
  }

  private matmul(node: Extract<GraphNode, { op: 'matmul' }>): void {
    const [a, b] = node.inputs;
    if (!node.transposeB) return this.add(node, 'MatMul', [a.name, b.name]);
    // Without a copy of b, which can be large; Gemm takes matrices only.
    if (a.shape.length === 2) return this.add(node, 'Gemm', [a.name, b.name], [int('transB', 1)]);
    const last = b.shape.length - 1;
    const order = b.shape.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i));
    const turned = `${node.output.name}_transposed`;
    this.push([turned], 'Transpose', [b.name], [ints('perm', order)]);
    this.add(node, 'MatMul', [a.name, turned]);
  }

  private add(
    { output }: GraphNode,
    opType: string,
    input: readonly string[],
    attribute: readonly Attribute[] = [],
  ): void {
    this.push([output.name], opType, input, attribute);
  }

  private push(
    output: readonly string[],
    opType: string,
    input: readonly string[],
    attribute: readonly Attribute[] = [],
  ): void {
    this.nodes.push({ name: `node_${output[0]}`, opType, input, output, attribute });
  }

  /** The name of a constant list of int64. */
  private integer(values: readonly number[]): string {
    const name = `int64_${values.join('_').replaceAll('-', 'm')}`;
    if (this.integers.has(name)) return name;
    this.integers.add(name);
    const data = BigInt64Array.from(values, BigInt);
    this.initializers.push(tensor(name, [values.length], ELEMENT.int64, new Uint8Array(data.buffer)));
    return name;
  }
}
