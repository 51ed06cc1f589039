/**
 * Nextvec without a host: the storage folder opened, services running, one router that answers every call of the
 * contract. A host (Electron, Node, command line) creates one of these and puts a transport in front of it.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRouterClient, type Router } from '@orpc/server';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { Parallel } from '#shared/domain/runs/sharing.ts';
import { tidyDatasets } from './datasets/adopt.ts';
import { DatasetService } from './datasets/service.ts';
import { LossBalance } from './evaluation/balance.ts';
import { WindowInspector } from './evaluation/inspection.ts';
import { VectorMaps } from './evaluation/maps.ts';
import { SpaceComparisons } from './evaluation/space.ts';
import { PlanService } from './plans/service.ts';
import { appRouter } from './rpc/app.ts';
import { datasetsRouter } from './rpc/datasets.ts';
import { evaluationRouter } from './rpc/evaluation.ts';
import type { ReportContext } from './reports/service.ts';
import { implementer } from './rpc/implementer.ts';
import { inferenceRouter } from './rpc/inference.ts';
import { plansRouter } from './rpc/plans.ts';
import { runsRouter } from './rpc/runs.ts';
import { thisMachine } from './runs/resources/demand.ts';
import { Clusters } from './runs/ray/clusters.ts';
import { RunService } from './runs/service.ts';
import type { Machine } from './runs/resources/sharing.ts';
import { initFile } from './runs/start-weights.ts';
import { tidyRuns } from './runs/tidy.ts';
import { isDiskFull } from './store/database.ts';
import { openHome, type Home } from './store/home.ts';
import { currentSettings } from './store/settings.ts';
import { CommandBus } from './system/commands.ts';
import { Doctor } from './system/doctor.ts';
import type { NativeHooks } from './system/native.ts';
import { forkTrainer, type SpawnTrainer } from './processes/trainer-process.ts';
import { WorkerPool } from './processes/worker-pool.ts';
import type { CallContext } from './wire/call-limit.ts';

export interface NextvecOptions {
  /** Storage folder; made when it is missing. */
  readonly home: string;
  readonly host: 'electron' | 'node';
  readonly version: string;
  /** Folder of shipped static files: `sample/`, `wasm/`. */
  readonly resourcesDir: string;
  /**
   * `owner` may write and train, one process per folder (else LOCKED). `reader` opens the history beside a running
   * owner: lists, shows and exports; every call that would change something gives LOCKED. Default `owner`.
   */
  readonly access?: 'owner' | 'reader';
  /** Folders whose files calls may name and `files.list` shows; null: any file of this user, no chooser. */
  readonly roots: readonly string[] | null;
  /** Serves a window: trainers run at low priority and a data worker is started in advance; default false. */
  readonly hasWindow?: boolean;
  /** Where `runs.export` writes files; default: the storage folder's `exports/`. */
  readonly exportsFolder?: string;
  /** How a trainer process is started; default: a forked Node child. */
  readonly spawnTrainer?: SpawnTrainer;
  /** Program files of the other processes; default: beside this module (source or build). */
  readonly entries?: ProcessEntries;
  readonly native?: NativeHooks;
  /** Milliseconds between checkpoints inside an epoch; default a minute. */
  readonly checkpointEveryMs?: number;
  /** Milliseconds between liveness checks of a trainer; default ten seconds. */
  readonly heartbeatMs?: number;
  /** Runs at once; absent: as Settings say. */
  readonly parallel?: Parallel;
  /** What runs share; default: this machine. */
  readonly machine?: Machine;
  /** Work off the queue of plans. A window does; a command that only lists does not. */
  readonly runsQueue?: boolean;
  /** For `doctor`: path of the browser or Electron runtime the host found, or null. */
  readonly runtimes?: { readonly browser: string | null; readonly electron: string | null };
}

export interface ProcessEntries {
  /** `out/main/trainer.js` in the build. */
  readonly trainer: string;
  /** `out/main/data-worker.js` in the build; a worker_threads entry. */
  readonly dataWorker: string;
}

export interface Nextvec {
  readonly home: string;
  /** Every procedure of the contract; for an RPCHandler of oRPC. */
  // oxlint-disable-next-line typescript/no-explicit-any -- oRPC's own type for a router of any shape
  readonly router: Router<any, CallContext>;
  /** The same calls in this process, without a transport. */
  readonly client: NextvecClient;
  /** Sends a menu command to every window ("new-run", "import" …). */
  sendCommand(command: string, path?: string): void;
  /** Adds a line to the log of every live run: events of the machine (battery, heat, sleep). */
  note(level: 'info' | 'warning', message: string): void;
  /** Runs that are training or queued now; a host asks before it quits, and keeps the machine awake while > 0. */
  activeRuns(): number;
  /** Pauses and saves the live run (resumable, "the app was closed"), writes everything, frees the folder. */
  close(): Promise<void>;
}

const CHECKPOINT_EVERY_MS = 60_000;
/** By then a window has shown its first page. */
const WORKER_AFTER_MS = 2000;

/** The built files beside this module (or one folder up, when it lies in a chunk), else the sources. */
export function defaultEntries(): ProcessEntries {
  const folder = dirname(fileURLToPath(import.meta.url));
  const built = [folder, join(folder, '..')].find((f) => existsSync(join(f, 'data-worker.js')));
  return built === undefined
    ? { trainer: join(folder, 'trainer', 'entry.ts'), dataWorker: join(folder, 'worker', 'entry.ts') }
    : { trainer: join(built, 'trainer.js'), dataWorker: join(built, 'data-worker.js') };
}

interface Services {
  readonly home: Home;
  readonly workers: WorkerPool;
  readonly runs: RunService;
  readonly plans: PlanService;
  readonly commands: CommandBus;
  readonly isClosing: () => boolean;
}

/** Gives each router the services it routes to. */
function makeRouter(options: NextvecOptions, services: Services) {
  const { home, workers, runs, plans, commands, isClosing } = services;
  const { version, host, roots, resourcesDir, native = {}, runtimes, exportsFolder = home.exportsFolder } = options;
  const procedures = implementer({ home, roots, isClosing });
  const spaces = new SpaceComparisons({ home, workers });
  const balance = new LossBalance({ home, workers, resourcesDir, initFile: (recipe) => initFile(home, recipe) });
  const electron = runtimes?.electron ?? process.versions.electron ?? null;
  const doctor = new Doctor({
    home,
    workers,
    resourcesDir,
    runtimes: { browser: runtimes?.browser ?? null, electron },
  });
  const isInUse = (datasetId: string): boolean => runs.isUsing(datasetId);
  const datasets = new DatasetService({ home, workers, resourcesDir, isInUse });
  const windowTexts: ReportContext['windowTexts'] = (id, windows) => datasets.windowTexts(id, windows);
  const context = { home, workers, runs, resourcesDir, version, windowTexts };
  return procedures.router({
    app: appRouter(procedures, { home, host, version, roots, native, doctor, commands }),
    datasets: datasetsRouter(procedures, {
      service: datasets,
      roots,
      native,
      exports: { home, workers, exportsFolder, version },
    }),
    runs: runsRouter(procedures, runs, { ...context, exportsFolder, spaces, balance, devices: doctor }),
    evaluation: evaluationRouter(procedures, {
      context,
      inspector: new WindowInspector(context),
      maps: new VectorMaps(context),
      spaces,
      balance,
    }),
    inference: inferenceRouter(procedures, { ...context, exportsFolder }),
    plans: plansRouter(procedures, plans),
  });
}

/** A full disk must not prevent opening the folder, where space can be freed; the next start tries again. */
async function unlessDiskFull(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    console.error(`The disk of the storage folder is full. Delete runs or data sets, or free some space.`);
  }
}

function makeRuns(options: NextvecOptions, home: Home, entries: ProcessEntries): RunService {
  return new RunService({
    home,
    appVersion: options.version,
    resourcesDir: options.resourcesDir,
    dataWorker: entries.dataWorker,
    spawnTrainer: options.spawnTrainer ?? forkTrainer(entries.trainer, options.hasWindow ? 'besideWindow' : 'alone'),
    checkpointEveryMs: options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS,
    heartbeatMs: options.heartbeatMs,
    machine: options.machine ?? thisMachine(),
    clusters: new Clusters(home.db, options.version),
    parallel: () => options.parallel ?? currentSettings(home.db).parallel,
  });
}

export async function createNextvec(options: NextvecOptions): Promise<Nextvec> {
  const home = openHome(options.home, options.access ?? 'owner', options.host);
  const entries = options.entries ?? defaultEntries();
  const workers = new WorkerPool(entries.dataWorker);
  if (options.hasWindow) workers.startAhead(WORKER_AFTER_MS);
  const runs = makeRuns(options, home, entries);
  if (home.access === 'owner') {
    await unlessDiskFull(async () => {
      await tidyDatasets(home);
      for (const line of await tidyRuns(home, options.version)) console.error(line);
    });
  }
  const commands = new CommandBus();
  const plans = new PlanService({ home, runs, appVersion: options.version, isRunning: options.runsQueue ?? false });
  let closing: Promise<void> | null = null;
  const isClosing = (): boolean => closing !== null;
  const router = makeRouter(options, { home, workers, runs, plans, commands, isClosing });
  if (options.runsQueue && home.access === 'owner') runs.followJobs();
  await unlessDiskFull(() => plans.begin());
  const closeAll = async (): Promise<void> => {
    plans.close();
    await runs.close();
    await workers.close();
    home.close();
  };
  return {
    home: home.path,
    router,
    client: createRouterClient(router),
    sendCommand: (command, path) => commands.publish('command', { command, path: path ?? null }),
    note: (level, message) => runs.noteToLive(level, message),
    activeRuns: () => Math.max(runs.activeRuns(), Number(plans.isBusy())),
    close: () => (closing ??= closeAll()),
  };
}
