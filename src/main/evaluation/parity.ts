/**
 * Parity first: a loaded checkpoint must reproduce its golden output and its validation cosine before any other figure of
 * it is shown. Right names and shapes prove nothing: the same weights in another forward pass give noise.
 */
import { score, type Score } from '#engine/evaluation/score.ts';
import type { Split } from '#engine/evaluation/windows.ts';
import type { Predictor } from '#engine/types.ts';
import type { RunCheckpoints } from '#shared/contract/trainer.ts';
import { NextvecError, isNextvecError } from '#shared/domain/errors.ts';
import { PARITY_LIMITS, type Parity } from '#shared/domain/evaluation/evaluation.ts';
import { figure, signed } from '#shared/domain/figures.ts';
import { readCheckpoint, type LoadedCheckpoint } from '../checkpoints/read.ts';

export interface ProvenCheckpoint {
  readonly parity: Parity;
  /** Of the validation windows. */
  readonly validation: Score;
}

/**
 * Reads a checkpoint; one whose bytes are not those that were written has lost its parity with the run. The golden output
 * alone does not prove it: some weights (a constant added to all attention scores) change no output at all.
 */
export async function readForEvaluation(folder: string, run: RunCheckpoints): Promise<LoadedCheckpoint> {
  return readCheckpoint(folder, run).catch((error: unknown) => {
    if (!isNextvecError(error) || error.code !== 'BAD_CHECKPOINT') throw error;
    throw parityFailed(folder, `it cannot be read as it was written (${error.message})`, error);
  });
}

/** Largest difference to the golden output, absolute and as a share of its largest value; throws PARITY_FAILED. */
export async function proveGolden(
  model: Predictor,
  checkpoint: Pick<LoadedCheckpoint, 'golden' | 'folder'>,
): Promise<Pick<Parity, 'goldenMaxAbs' | 'goldenMaxRelative'>> {
  const { golden } = checkpoint;
  const raw = (await model.predict(golden.contexts, golden.B)).raw;
  const goldenMaxAbs = largestDifference(raw, golden.raw);
  const goldenMaxRelative =
    goldenMaxAbs /
    Math.max(
      golden.raw.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
      1e-12,
    );
  if (!(goldenMaxRelative <= PARITY_LIMITS.goldenRelative)) {
    throw parityFailed(
      checkpoint.folder,
      `its golden output differs by up to ${figure(goldenMaxAbs)}, ${figure(goldenMaxRelative)} of its largest value; at most ${PARITY_LIMITS.goldenRelative} is rounding`,
    );
  }
  return { goldenMaxAbs, goldenMaxRelative };
}

/** Measures both and throws PARITY_FAILED where one does not hold. */
export async function proveParity(
  model: Predictor,
  checkpoint: LoadedCheckpoint,
  validation: Split,
): Promise<ProvenCheckpoint> {
  const { valCosine } = checkpoint;
  const golden = await proveGolden(model, checkpoint);
  const scored = await score(model, validation);
  if (scored === null) throw new NextvecError('CANCELLED', 'The evaluation was cancelled.');
  const valCosineDelta = valCosine === null ? null : scored.cosine - valCosine;
  if (valCosineDelta !== null && !(Math.abs(valCosineDelta) < PARITY_LIMITS.valCosine)) {
    throw parityFailed(
      checkpoint.folder,
      `its validation cosine is ${figure(scored.cosine)} and was ${figure(valCosine)} when it was stored (${signed(valCosineDelta)})`,
    );
  }
  return { parity: { ...golden, valCosineDelta, ok: true }, validation: scored };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

function parityFailed(place: string, what: string, cause?: unknown): NextvecError {
  return new NextvecError(
    'PARITY_FAILED',
    `This checkpoint is not the one the run trained: ${what}. No figure of it is shown.`,
    {
      remedy:
        'The weights were changed, or they run through another model than the one that trained them. Train again, or take an untouched copy of the run.',
      details: { place },
      cause,
    },
  );
}
