/**
 * Damaged HDF5 files through the whole import, in a data worker: damage of the heap of texts can keep the library in a loop,
 * which only the end of its thread stops.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NO_MAPPING } from '#shared/domain/datasets/mapping.ts';
import { TEMPORARY } from '../../../src/main/datasets/import/import.ts';
import { WorkerPool, type LeasedWorker } from '../../../src/main/processes/worker-pool.ts';
import { fromWireError } from '../../../src/main/wire/errors.ts';
import { mutate } from '../mutate.ts';
import { nothingBeside, refusalOf, table } from './import-mutant.ts';
import type { FuzzTarget } from './target.ts';

const ENTRY = resolve(import.meta.dirname, '../../../out/main/data-worker.js');
const FILES = ['small-fixed.h5', 'small.h5', 'half.h5'];
/** Far below that of the app, and below the limit of an input. */
const SILENCE_MS = 3000;
/** The library keeps memory of each file that it refuses. */
const FILES_PER_WORKER = 250;
const MUTANT = 'mutant.h5';

export async function hdf5(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-hdf5-'));
  const originals = FILES.map(table);
  const workers = new Workers();
  const importMutant = async (bytes: Uint8Array): Promise<string> => {
    writeFileSync(join(folder, MUTANT), bytes);
    const outcome = await workers.import(join(folder, MUTANT), join(folder, 'set'));
    rmSync(join(folder, 'set'), { recursive: true, force: true });
    // A worker that was ended cannot remove what it wrote; the app does it for it.
    if (outcome === ENDED) removeUnfinished(folder);
    nothingBeside(folder, MUTANT);
    return outcome;
  };
  return {
    name: 'hdf5',
    attempt: (seed) => importMutant(mutate(originals[seed % originals.length], seed)),
    async close() {
      await workers.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const ENDED = 'ended, as it did not answer';

/** One worker after the other. */
class Workers {
  private readonly pool = new WorkerPool(ENTRY, { silenceMs: SILENCE_MS });
  private worker: LeasedWorker | null = null;
  private files = 0;

  async import(path: string, folder: string): Promise<string> {
    if (this.files++ % FILES_PER_WORKER === 0) await this.end();
    this.worker ??= await this.pool.lease(undefined, path);
    try {
      await importWith(this.worker, path, folder);
      return 'accepted';
    } catch (thrown) {
      const error = fromWireError(thrown);
      if (!(error instanceof Error && error.message.includes('has not answered'))) return refusalOf(error);
      await this.end();
      return ENDED;
    }
  }

  private async end(): Promise<void> {
    await this.worker?.release();
    this.worker = null;
  }

  async close(): Promise<void> {
    await this.pool.close();
  }
}

async function importWith({ client }: LeasedWorker, path: string, folder: string): Promise<void> {
  const windows = { crossArticles: false, contextLength: null, history: null, stride: 1, normalise: false };
  const job = { path, folder, dtype: null, ...windows, mapping: NO_MAPPING, texts: true, textColumn: null };
  for await (const event of await client.importFile(job)) if (event.type === 'done') return;
  throw new Error('the import ended without a result');
}

function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.includes(TEMPORARY)) rmSync(join(folder, name), { recursive: true });
  }
}
