/** The weights a trainer process starts from: a checkpoint to resume, given weights, or a fresh initialisation. */
import { join } from 'node:path';
import { startParameters } from '#engine/start.ts';
import type { Split } from '#engine/trainer/index.ts';
import type { NamedTensors } from '#engine/types.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { GradientSpec, ModelSpec } from '#shared/domain/models/models.ts';
import type { LoadedCheckpoint, LoadedFit } from '../checkpoints/read.ts';
import { findResumable, removeReplaced } from '../checkpoints/resume.ts';
import { initialWeights } from '../weights/model-weights.ts';
import { hashFile } from '../weights/weights-file.ts';
import type { Log } from './log.ts';

/** The checkpoint to resume from; null: the job starts anew, or there is none. Throws BAD_CHECKPOINT. */
export async function checkpointToResume(
  job: TrainerJob,
  spec: ModelSpec,
  log: Log,
): Promise<LoadedCheckpoint | LoadedFit | null> {
  if (!job.resume) return null;
  const found = await findResumable(job.runFolder, job);
  if (found === null) {
    refuseWhenGone(job);
    log('warning', 'There is no checkpoint yet; the run begins again.');
    return null;
  }
  for (const sentence of found.skipped) log('warning', `${sentence} An older one is taken.`);
  const { checkpoint } = found;
  if (JSON.stringify(checkpoint.spec) !== JSON.stringify(spec)) {
    throw new NextvecError('BAD_CHECKPOINT', `${checkpoint.folder} is of another model than the recipe's.`, {
      remedy: 'Start a new run; this folder was changed by hand.',
      details: { place: checkpoint.folder },
    });
  }
  await removeReplaced(job.runFolder, checkpoint);
  log('info', `Goes on from step ${checkpoint.state.step} (epoch ${checkpoint.state.epoch}).`);
  return checkpoint;
}

/** A run whose history lists checkpoints to resume from does not silently begin again when they are gone. */
function refuseWhenGone({ runFolder, weightHashes }: TrainerJob): void {
  const gone = Object.keys(weightHashes).find((folder) => !folder.startsWith('best-'));
  if (gone === undefined) return;
  throw new NextvecError(
    'BAD_CHECKPOINT',
    `The history lists the checkpoint ${gone}, but ${runFolder} does not hold it.`,
    {
      remedy: 'Put the folder back from a backup, or start a new run with the same recipe.',
      details: { place: join(runFolder, gone) },
    },
  );
}

/** The parameters of a run without a checkpoint, by PyTorch name. */
export async function initialParameters(
  { recipe, initFile }: TrainerJob,
  spec: GradientSpec,
  train: Split,
  log: Log,
): Promise<NamedTensors> {
  if (initFile === null) return startParameters(recipe.start, spec, recipe.seed, train);
  const parameters = await initialWeights(initFile, spec);
  const sha256 = (await hashFile(initFile.path)).slice(0, 12);
  log('info', `Starts from the weights of ${recipe.initFrom} (sha256 ${sha256}).`);
  return parameters;
}
