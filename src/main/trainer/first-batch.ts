/** A GPU is trusted with a run once it has computed the run's first batch as `simd` does. */
import { PARITY_TOLERANCE, compareOnBatch, type Batch } from '#engine/parity.ts';
import { openEngine } from '#engine/registry.ts';
import type { Engine, EngineHost, ModelOptions, TrainableModel } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Log } from './log.ts';

/** Rows that are compared: enough for every term, a matter of seconds with the largest models. */
export const FIRST_BATCH_ROWS = 256;
/** Differences that a message names. */
const NAMED = 3;

/** Throws ENGINE_UNAVAILABLE with the figures where the model differs from one of `simd` with the same parameters. */
export async function proveFirstBatch(
  model: TrainableModel,
  batch: Batch,
  options: ModelOptions,
  { host, log }: { readonly host: EngineHost; readonly log: Log },
): Promise<void> {
  const simd = await openEngine('simd', host).catch((error: Error) => {
    log('warning', `The first batch is not compared with simd, which does not run here: ${error.message}`);
    return null;
  });
  if (simd === null) return;
  try {
    await compare(model, batch, { options, simd, log });
  } finally {
    await simd.dispose();
  }
}

interface Yardstick {
  readonly options: ModelOptions;
  readonly simd: Engine;
  readonly log: Log;
}

async function compare(model: TrainableModel, batch: Batch, { options, simd, log }: Yardstick): Promise<void> {
  const reference = await simd.createModel({ ...options, maxBatch: batch.B });
  const differences = await compareOnBatch(model, reference, batch);
  reference.dispose();
  if (differences === null) {
    log('warning', 'The first batch is not compared with simd: its loss is not a finite number there.');
    return;
  }
  const words = differences
    .slice(0, NAMED)
    .map(({ quantity, relativeError }) => `${quantity} ${relativeError.toExponential(1)}`)
    .join(', ');
  if (differences.every(({ relativeError }) => relativeError <= PARITY_TOLERANCE)) {
    log('info', `The first batch (${batch.B} rows) as on simd; largest relative differences: ${words}.`);
    return;
  }
  throw new NextvecError(
    'ENGINE_UNAVAILABLE',
    `The GPU does not compute the first batch (${batch.B} rows) as simd does; relative differences: ${words}; ` +
      `at most ${PARITY_TOLERANCE.toExponential()} is rounding.`,
    { remedy: 'Choose another engine, or update the driver of the GPU.', details: { place: 'engine' } },
  );
}
