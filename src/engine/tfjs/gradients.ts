/**
 * Gradients of the kernels that the models are made of. tfjs ships its own only in builds that Node cannot load apart
 * from the whole @tensorflow/tfjs package, and without them its autodiff has nothing to chain. Kernels that already
 * have a gradient (the `tensorflow` engine brings tfjs's) keep theirs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { product } from './products.ts';

type Gradient = tf.GradConfig['gradFunc'];

/** From the gradients of the outputs, the saved tensors and the attributes of a kernel: the gradient of each input. */
type InputGradients<A> = (dys: tf.Tensor[], saved: tf.Tensor[], attrs: A) => Record<string, () => tf.Tensor>;

/** tfjs hands down the gradient of a single output bare, even of a kernel that makes lists, and attributes untyped. */
function gradient<A extends tf.NamedAttrMap>(of: InputGradients<A>): Gradient {
  return (dy, saved, attrs) => of(Array.isArray(dy) ? dy : [dy], saved, attrs as A);
}

/** Sums dy over the axes that were broadcast to reach its shape. */
function unbroadcast(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
}

/** [shape with 1 in `axes`, their element count]. */
function keptShape(shape: readonly number[], axis: number | number[]): [number[], number] {
  const axes = tf.util.parseAxisParam(axis, shape.slice());
  const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
  return [kept, axes.reduce((product, i) => product * shape[i], 1)];
}

const binary: Record<string, Gradient> = {
  Add: gradient(([dy], [a, b]) => ({ a: () => unbroadcast(dy, a.shape), b: () => unbroadcast(dy, b.shape) })),
  Sub: gradient(([dy], [a, b]) => ({
    a: () => unbroadcast(dy, a.shape),
    b: () => tf.neg(unbroadcast(dy, b.shape)),
  })),
  Multiply: gradient(([dy], [a, b]) => ({
    a: () => unbroadcast(tf.mul(dy, b), a.shape),
    b: () => unbroadcast(tf.mul(dy, a), b.shape),
  })),
  RealDiv: gradient(([dy], [a, b]) => ({
    a: () => unbroadcast(tf.div(dy, b), a.shape),
    b: () => tf.neg(unbroadcast(tf.div(tf.mul(dy, a), tf.square(b)), b.shape)),
  })),
};

/** dx from dy, the saved tensor (input x or output y, as said below) and the kernel's attributes. */
type Unary<A> = (dy: tf.Tensor, saved: tf.Tensor, attrs: A) => tf.Tensor;
const unary = <A extends tf.NamedAttrMap>(dx: Unary<A>, input = 'x') =>
  gradient<A>(([dy], [saved], attrs) => ({ [input]: () => dx(dy, saved, attrs) }));

const ofInput: Record<string, Gradient> = {
  Square: unary((dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Rsqrt: unary((dy, x) => tf.div(dy, tf.mul(tf.mul(x, tf.sqrt(x)), -2))),
  Erf: unary((dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), 2 / Math.sqrt(Math.PI)))),
  Relu: unary((dy, x) => tf.mul(dy, tf.step(x))),
  Reshape: unary((dy, x) => tf.reshape(dy, x.shape)),
  Sum: unary((dy, x, { axis }: { axis: number | number[] }) =>
    tf.mul(tf.reshape(dy, keptShape(x.shape, axis)[0]), tf.onesLike(x)),
  ),
  Mean: unary((dy, x, { axis }: { axis: number | number[] }) => {
    const [shape, elements] = keptShape(x.shape, axis);
    return tf.mul(tf.reshape(tf.div(dy, elements), shape), tf.onesLike(x));
  }),
  Slice: unary((dy, x, { begin, size }: { begin: number[]; size: number[] }) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams(x, begin, size);
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
  Identity: gradient(([dy]) => ({ x: () => tf.clone(dy) })),
  Transpose: gradient(([dy], _saved, { perm }: { perm: number[] }) => ({
    x: () => tf.transpose(dy, tf.backend_util.getUndoAxesPermutation(perm)),
  })),
  SplitV: gradient((dys, _saved, { axis }: { axis: number }) => ({ x: () => tf.concat(dys, axis) })),
  Unpack: gradient((dys, _saved, { axis }: { axis: number }) => ({ value: () => tf.stack(dys, axis) })),
};

/** Kernels with a list of inputs, whose gradients are named by position. */
const ofAllInputs: Record<string, Gradient> = {
  Pack: gradient(([dy], _saved, { axis }: { axis: number }) => byPosition(tf.unstack(dy, axis))),
  Concat: gradient(([dy], saved, { axis }: { axis: number }) => {
    const [along] = tf.util.parseAxisParam(axis, saved[0].shape);
    return byPosition(
      tf.split(
        dy,
        saved.map(({ shape }) => shape[along]),
        along,
      ),
    );
  }),
};

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
const batchMatMul = gradient(
  ([dy], [a, b], { transposeA, transposeB }: { transposeA: boolean; transposeB: boolean }) => ({
    a: () =>
      transposeA
        ? reducedProduct(b, dy, transposeB, true, a.shape)
        : reducedProduct(dy, b, false, !transposeB, a.shape),
    b: () =>
      transposeB
        ? reducedProduct(dy, a, true, transposeA, b.shape)
        : reducedProduct(a, dy, !transposeA, false, b.shape),
  }),
);

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
