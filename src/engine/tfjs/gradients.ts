/**
 * Gradients of the kernels that the models are made of. tfjs ships its own only in builds that Node cannot load apart
 * from the whole @tensorflow/tfjs package, and without them its autodiff has nothing to chain. Kernels that already
 * have a gradient (the `tensorflow` engine brings tfjs's) keep theirs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { product } from './products.ts';

type Saved = readonly tf.Tensor[];
type Gradient = tf.GradConfig['gradFunc'];

/** Sums dy over the axes that were broadcast to reach its shape. */
function unbroadcast(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
}

/** [shape with 1 in `axes`, their element count]. */
function keptShape(shape: readonly number[], axis: unknown): [number[], number] {
  const axes = tf.util.parseAxisParam(axis as number | number[], shape.slice());
  const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
  return [kept, axes.reduce((product, i) => product * shape[i], 1)];
}

const binary: Record<string, Gradient> = {
  Add: (dy, saved) => {
    const [a, b] = saved as Saved;
    return { a: () => unbroadcast(dy as tf.Tensor, a.shape), b: () => unbroadcast(dy as tf.Tensor, b.shape) };
  },
  Sub: (dy, saved) => {
    const [a, b] = saved as Saved;
    return { a: () => unbroadcast(dy as tf.Tensor, a.shape), b: () => tf.neg(unbroadcast(dy as tf.Tensor, b.shape)) };
  },
  Multiply: (dy, saved) => {
    const [a, b] = saved as Saved;
    return {
      a: () => unbroadcast(tf.mul(dy as tf.Tensor, b), a.shape),
      b: () => unbroadcast(tf.mul(dy as tf.Tensor, a), b.shape),
    };
  },
  RealDiv: (dy, saved) => {
    const [a, b] = saved as Saved;
    return {
      a: () => unbroadcast(tf.div(dy as tf.Tensor, b), a.shape),
      b: () => tf.neg(unbroadcast(tf.div(tf.mul(dy as tf.Tensor, a), tf.square(b)), b.shape)),
    };
  },
};

/** dx from dy, the saved tensor (input x or output y, as said below) and the kernel's attributes. */
type Unary = (dy: tf.Tensor, saved: tf.Tensor, attrs: tf.NamedAttrMap) => tf.Tensor;
const unary = (dx: Unary, input = 'x'): Gradient => {
  return (dy, saved, attrs) => ({ [input]: () => dx(dy as tf.Tensor, saved[0], attrs) });
};

const ofInput: Record<string, Gradient> = {
  Square: unary((dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Rsqrt: unary((dy, x) => tf.div(dy, tf.mul(tf.mul(x, tf.sqrt(x)), -2))),
  Erf: unary((dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), 2 / Math.sqrt(Math.PI)))),
  Relu: unary((dy, x) => tf.mul(dy, tf.step(x))),
  Reshape: unary((dy, x) => tf.reshape(dy, x.shape)),
  Sum: unary((dy, x, { axis }) => tf.mul(tf.reshape(dy, keptShape(x.shape, axis)[0]), tf.onesLike(x))),
  Mean: unary((dy, x, { axis }) => {
    const [shape, elements] = keptShape(x.shape, axis);
    return tf.mul(tf.reshape(tf.div(dy, elements), shape), tf.onesLike(x));
  }),
  Slice: unary((dy, x, { begin, size }) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams(x, begin as number[], size as number[]);
    return tf.pad(
      dy,
      starts.map((start, i): [number, number] => [start, x.shape[i] - start - sizes[i]]),
    );
  }),
};

const ofOutput: Record<string, Gradient> = {
  Sigmoid: unary((dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Tanh: unary((dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Softmax: unary((dy, y) => {
    const dyTimesY = tf.mul(dy, y);
    return tf.sub(dyTimesY, tf.mul(tf.sum(dyTimesY, -1, true), y));
  }, 'logits'),
};

const ofNothing: Record<string, Gradient> = {
  Identity: (dy) => ({ x: () => tf.clone(dy as tf.Tensor) }),
  Transpose: (dy, _saved, { perm }) => ({
    x: () => tf.transpose(dy as tf.Tensor, tf.backend_util.getUndoAxesPermutation(perm as number[])),
  }),
  SplitV: (dy, _saved, { axis }) => ({ x: () => tf.concat(asList(dy), axis as number) }),
  Unpack: (dy, _saved, { axis }) => ({ value: () => tf.stack(asList(dy), axis as number) }),
};

/** Kernels with a list of inputs, whose gradients are named by position. */
const ofAllInputs: Record<string, Gradient> = {
  Pack: (dy, _saved, { axis }) => byPosition(tf.unstack(dy as tf.Tensor, axis as number)),
  Concat: (dy, saved, { axis }) => {
    const shapes = (saved as Saved).map((x) => x.shape);
    const [along] = tf.util.parseAxisParam(axis as number, shapes[0]);
    return byPosition(
      tf.split(
        dy as tf.Tensor,
        shapes.map((shape) => shape[along]),
        along,
      ),
    );
  },
};

/** tfjs hands down the gradient of a single output bare, even of a kernel that makes lists. */
function asList(dy: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(dy) ? dy : [dy];
}

function byPosition(tensors: tf.Tensor[]): Record<string, () => tf.Tensor> {
  return Object.fromEntries(tensors.map((tensor, i) => [String(i), () => tensor]));
}

/** x·y summed down to `shape`. */
function reducedProduct(
  x: tf.Tensor,
  y: tf.Tensor,
  transposeX: boolean,
  transposeY: boolean,
  shape: number[],
): tf.Tensor {
  return unbroadcast(product(x, y, transposeX, transposeY), shape);
}

/** With A and B as they were given; a transposed factor swaps its gradient's. Batches are equal or broadcast from 1. */
const batchMatMul: Gradient = (dyGiven, saved, { transposeA, transposeB }) => {
  const dy = dyGiven as tf.Tensor;
  const [a, b] = saved as Saved;
  return {
    a: () =>
      transposeA
        ? reducedProduct(b, dy, Boolean(transposeB), true, a.shape)
        : reducedProduct(dy, b, false, !transposeB, a.shape),
    b: () =>
      transposeB
        ? reducedProduct(dy, a, true, Boolean(transposeA), b.shape)
        : reducedProduct(a, dy, !transposeA, false, b.shape),
  };
};

function add(gradients: Record<string, Gradient>, saves: Omit<tf.GradConfig, 'kernelName' | 'gradFunc'>): void {
  for (const [kernelName, gradFunc] of Object.entries(gradients)) {
    if (tf.getGradient(kernelName) === undefined) tf.registerGradient({ kernelName, gradFunc, ...saves });
  }
}

/** Registers what is missing; may be called again. */
export function registerGradients(): void {
  add({ ...binary, BatchMatMul: batchMatMul }, { inputsToSave: ['a', 'b'] });
  add(ofInput, { inputsToSave: ['x'] });
  add(ofOutput, { outputsToSave: [true] });
  add(ofNothing, {});
  add(ofAllInputs, { saveAllInputs: true });
}
