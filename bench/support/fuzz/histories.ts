/** Damaged histories of other programs: event files, W&B files and JSON. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importRunJob } from '../../../src/main/runs/imports/import-run-job.ts';
import { mutate } from '../mutate.ts';
import { refusalOf } from './import-mutant.ts';
import type { FuzzTarget } from './target.ts';

const FIXTURES = join(import.meta.dirname, '../../../tests/fixtures/histories');
const JSON_HISTORY = {
  config: { model_type: 'gru', lr: 5e-4 },
  history: { train_loss: [3, 2], val_cosine: [0.25, 0.5], lr: [1e-3, 5e-4], stages: ['a', 'b'] },
  best_epoch: 2,
};
/** Nothing of it is measured. */
const JOB = {
  runId: 'fuzz',
  resourcesDir: '',
  modelType: null,
  contextLength: null,
  heads: null,
  dataset: null,
  ood: null,
};

export async function histories(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-history-'));
  const originals = [
    ['events.out.tfevents.1', readFileSync(join(FIXTURES, 'torch/events.out.tfevents.1700000000.host'))],
    ['run-x.wandb', readFileSync(join(FIXTURES, 'run-night.wandb'))],
    ['history.json', Buffer.from(JSON.stringify(JSON_HISTORY))],
  ] as const;
  return {
    name: 'histories',
    async attempt(seed) {
      const [name, original] = originals[seed % originals.length];
      const path = join(folder, String(seed % 2), name);
      mkdirSync(join(folder, String(seed % 2)), { recursive: true });
      writeFileSync(path, mutate(original, seed));
      try {
        // Every second one is found in its folder.
        await importRunJob({ ...JOB, runFolder: folder, path: seed % 2 === 0 ? path : join(folder, '1') });
        return 'accepted';
      } catch (error) {
        return refusalOf(error);
      } finally {
        rmSync(path);
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
