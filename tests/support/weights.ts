/** A whole weights file in memory, for tests; the product reads only the tensors of a known model. */
import type { Tensor } from '../../src/main/formats/safetensors.ts';
import { withWeightsFile, type WeightsFile } from '../../src/main/weights/weights-file.ts';

export function readWeightsFile(
  path: string,
): Promise<Omit<WeightsFile, 'tensors'> & { readonly tensors: ReadonlyMap<string, Tensor> }> {
  return withWeightsFile(path, async (file) => {
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of file.tensors) tensors.set(name, { shape: tensor.shape, data: await tensor.read() });
    return { ...file, tensors };
  });
}
