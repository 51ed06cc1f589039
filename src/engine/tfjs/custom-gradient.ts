/** tf.customGrad with the types of its inputs, which tfjs mixes with its `save` function. */
import * as tf from '@tensorflow/tfjs-core';

interface Differentiable<Output extends tf.Tensor> {
  readonly value: Output;
  /** Kept for `gradient`, which gets them back. */
  readonly saved: tf.Tensor[];
  /** The gradient of each input from that of the output. */
  readonly gradient: (dy: Output, saved: tf.Tensor[]) => tf.Tensor[];
}

export function customGradient<Inputs extends tf.Tensor[], Output extends tf.Tensor>(
  of: (...inputs: Inputs) => Differentiable<Output>,
): (...inputs: Inputs) => Output {
  return tf.customGrad<Output>((...inputsAndSave) => {
    const save = inputsAndSave.pop() as tf.GradSaveFunc;
    const { value, saved, gradient } = of(...(inputsAndSave as Inputs));
    save(saved);
    return { value, gradFunc: gradient };
  });
}
