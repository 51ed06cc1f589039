/**
 * Attention of a model whose engine keeps none: the fast kernels hold a Transformer's only as long as a batch needs it. A
 * plain engine tells it, once it has reproduced the checkpoint's golden output like the first. B rows, T context length.
 */
import { isNextvecError } from '#shared/domain/errors.ts';
import { openModel, type OpenModelOptions } from '../evaluation/model.ts';
import { proveGolden } from '../evaluation/parity.ts';
import type { LoadedCheckpoint } from '../runs/checkpoint.ts';

/** contexts [B, T, D] → [B, T]; undefined: not measured. */
export async function plainAttention(
  options: OpenModelOptions,
  checkpoint: LoadedCheckpoint,
  contexts: Float32Array,
  B: number,
): Promise<Float32Array | undefined> {
  if (options.spec.type !== 'transformer') return undefined;
  const opened = await openModel({ ...options, engine: 'wasm' });
  try {
    await proveGolden(opened.model, checkpoint);
    const { attention } = await opened.model.predict(contexts, B);
    return attention && Float32Array.from(attention);
  } catch (error) {
    // Another engine that does not agree with the first says nothing about the prediction.
    if (isNextvecError(error) && error.code === 'PARITY_FAILED') return undefined;
    throw error;
  } finally {
    await opened.close();
  }
}
