/** The models of finished runs that are parts of a Gram mixture. */
import { basename } from 'node:path';
import type { ExtraPart } from '#engine/gram/types.ts';
import type { TrainerJob } from '#shared/contract/trainer.ts';
import { MODEL_LABELS } from '#shared/domain/models/models.ts';
import { readCheckpoint } from '../checkpoints/read.ts';
import type { Log } from './log.ts';

/** Throws BAD_CHECKPOINT where a checkpoint is gone or not as the history recorded it. */
export async function loadParts({ parts }: Pick<TrainerJob, 'parts'>, log: Log): Promise<ExtraPart[]> {
  const extras: ExtraPart[] = [];
  for (const { recipe, folder, run } of parts) {
    const { spec, parameters } = await readCheckpoint(folder, run);
    if (spec.type === 'gram') throw new Error(`the run ${run.runId} is a Gram mixture, which cannot be a part`);
    extras.push({ spec, parameters, recipe });
    const sha256 = run.weightHashes[basename(folder)]?.slice(0, 12);
    log(
      'info',
      `Part: ${MODEL_LABELS[spec.type]} of run ${run.runId} (sha256 ${sha256}); trained anew for each cluster.`,
    );
  }
  return extras;
}
