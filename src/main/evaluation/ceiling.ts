/** Measures the ceiling of a set for an evaluation: on the kernels of `simd`, with parts fitted on the run's training windows. */
import type { CeilingCosines } from '#engine/evaluation/intervals.ts';
import type { Split } from '#engine/evaluation/windows.ts';
import { measureCeiling } from '#engine/gram/ceiling.ts';
import { createRuntime } from '#engine/simd/runtime/runtime.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { nodeEngineHost } from '../processes/engine-host.ts';
import type { EvaluateJob } from '../processes/jobs/evaluation.ts';

export async function ceilingCosines(
  { recipe: { seed, threads }, resourcesDir, data }: EvaluateJob,
  train: Split,
  on: Split,
  progress: (phase: string, fraction: number | null) => void,
): Promise<CeilingCosines> {
  const place = { place: data.name };
  const host = nodeEngineHost(resourcesDir);
  const runtime = await createRuntime({ host, threads: threads ?? undefined }).catch((error: Error) => {
    throw new NextvecError('ENGINE_UNAVAILABLE', `A ceiling is measured by the simd engine: ${error.message}.`, {
      remedy: 'Evaluate without it; "nextvec doctor" says what the engine lacks here.',
      details: place,
      cause: error,
    });
  });
  try {
    return await measureCeiling(runtime, { train, on, seed }, (fraction) =>
      progress('measuring the ceiling', fraction),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NextvecError('BAD_INPUT', `${data.name}: ${error.message}`, {
      remedy: 'Choose a set of several articles, or evaluate without the ceiling.',
      details: place,
      cause: error,
    });
  }
}
