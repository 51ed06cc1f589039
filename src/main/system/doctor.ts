/** `nextvec doctor`: the runtime, the engines that load here and the storage folder. */
import { access, constants, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { Doctor as Report, StoredCheck } from '#shared/contract/app.ts';
import type { Adapter } from '#shared/domain/runs/adapter.ts';
import { hasEnded } from '#shared/domain/runs/run-kinds.ts';
import { countDatasets, listDatasets } from '../store/datasets.ts';
import { weightHashes } from '../store/history.ts';
import type { Home } from '../store/home.ts';
import { countRuns, listRuns } from '../store/runs.ts';
import type { WorkerPool } from '../processes/worker-pool.ts';

const NOT_ENDED: StoredCheck = {
  state: 'not verifiable',
  problem: 'its checkpoints may change; check again when it has ended.',
};

export interface DoctorOptions {
  readonly home: Home;
  readonly workers: Pick<WorkerPool, 'once'>;
  readonly resourcesDir: string;
  /** Path of the browser and version of Electron where the host found them. */
  readonly runtimes: { readonly browser: string | null; readonly electron: string | null };
}

export class Doctor {
  private readonly options: DoctorOptions;
  private engines: Promise<Report['engines']> | null = null;

  constructor(options: DoctorOptions) {
    this.options = options;
  }

  /** Loads every engine on the first call; `afresh` loads them again. `check` reads every stored data set and checkpoint. */
  async report({ afresh, check }: { readonly afresh: boolean; readonly check: boolean }): Promise<Report> {
    return {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      engines: await this.findEngines(afresh),
      storage: await storageReport(this.options.home),
      checks: check ? await this.checkStored() : null,
      ...this.options.runtimes,
    };
  }

  /** The GPU that `webgpu` finds; null: none. `mayLoad`: load the engines if no report has done so. */
  async adapter(mayLoad: boolean): Promise<Adapter | null> {
    if (this.engines === null && !mayLoad) return null;
    const engines = await this.findEngines(false);
    return engines.find(({ name }) => name === 'webgpu')?.adapter ?? null;
  }

  private checkStored(): Promise<Report['checks']> {
    const { home, workers } = this.options;
    return workers.once(async (client) => {
      const checks: NonNullable<Report['checks']> = [];
      for (const { id, name } of listDatasets(home.db)) {
        checks.push({ kind: 'data set', name, ...(await client.checkStored({ folder: home.datasetFolder(id) })) });
      }
      for (const { id, number, name, status } of listRuns(home.db)) {
        const run = { runId: id, folder: home.runFolder(id), weightHashes: weightHashes(home.db, id) };
        const check = hasEnded(status) ? await client.checkCheckpoints(run) : NOT_ENDED;
        checks.push({ kind: 'run', name: `#${number} ${name}`, ...check });
      }
      return checks;
    });
  }

  /** In a worker of its own: loading TensorFlow.js blocks a thread for longer than a call may take. */
  private findEngines(afresh: boolean): Promise<Report['engines']> {
    if (this.engines !== null && !afresh) return this.engines;
    const { workers, resourcesDir } = this.options;
    const engines = workers.once((client) => client.engines({ resourcesDir }));
    this.engines = engines;
    engines.catch(() => (this.engines = null));
    return engines;
  }
}

async function storageReport({ path, db }: Home): Promise<Report['storage']> {
  const writable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
  const { bavail, bsize } = await statfs(path);
  return { path, writable, freeBytes: bavail * bsize, runs: countRuns(db), datasets: countDatasets(db) };
}
