/** Runs an exported ONNX model on a golden pair with onnxruntime. */
import { InferenceSession, Tensor } from 'onnxruntime-web';
import { decodeSafetensors } from '../../src/main/formats/safetensors.ts';

/** Largest difference of `raw` to the golden file's. */
export async function largestOnnxError(onnx: Uint8Array, goldenFile: Uint8Array): Promise<number> {
  const { tensors } = decodeSafetensors(goldenFile, 'golden');
  const contexts = tensors.get('contexts')!;
  const session = await InferenceSession.create(onnx);
  const results = await session.run({ context: new Tensor('float32', contexts.data, [...contexts.shape]) });
  const expected = tensors.get('raw')!.data;
  return (results.raw.data as Float32Array).reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i])), 0);
}
