/**
 * Attention of the last layer, which the simd kernels do not keep. The wasm engine computes it, once it has reproduced
 * the checkpoint's golden output too. B rows, T context length.
 */
import { isNextvecError } from '#shared/domain/errors.ts';
import { modelRow } from '#shared/domain/models/models.ts';
import { openModel, type OpenModelOptions } from '../evaluation/model.ts';
import { proveGolden } from '../evaluation/parity.ts';
import type { LoadedCheckpoint } from '../checkpoints/read.ts';

/** contexts [B, T, D] → [B, T]; undefined: not measured. */
export async function plainAttention(
  options: OpenModelOptions,
  checkpoint: LoadedCheckpoint,
  contexts: Float32Array,
  B: number,
): Promise<Float32Array | undefined> {
  if (modelRow(options.spec.type).attention !== 'last-layer') return undefined;
  await using opened = await openModel({ ...options, engine: 'wasm' });
  try {
    await proveGolden(opened.model, checkpoint);
    const { attention } = await opened.model.predict(contexts, B);
    return attention && Float32Array.from(attention);
  } catch (error) {
    // Another engine that does not agree with the first says nothing about the prediction.
    if (isNextvecError(error) && error.code === 'PARITY_FAILED') return undefined;
    throw error;
  }
}
