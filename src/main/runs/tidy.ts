/**
 * Reconciles the run folders with the history at start, and exports with their processes: a folder without a row whose
 * checkpoints are whole is listed again; what a killed process left behind is removed.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parameterCount } from '#shared/domain/models/shapes.ts';
import { NO_DATASET, RecipeSchema, sizesOf, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { codeOf } from '#shared/domain/thrown.ts';
import { MODEL_FILE, readManifest, verifyFiles, type Manifest } from '../checkpoints/manifest.ts';
import { listCheckpointFolders } from '../checkpoints/resume.ts';
import { inTransaction } from '../store/database.ts';
import { findDataset } from '../store/datasets.ts';
import { insertLog, putCheckpoint } from '../store/history.ts';
import { removeFolder, type Home } from '../store/home.ts';
import { findRun, insertRun, requireRun, updateRun } from '../store/runs.ts';
import { readRecipe } from '../store/stored-json.ts';

const ID = /^[0-9a-f]{12}$/;
const DELETED = '.deleted-';
const PARTIAL_EXPORT = /\.(\d+)\.tmp$/;
const LOST =
  'The history had lost this run; it was found in the storage folder. Epochs and series are lost, its checkpoints are whole.';

interface FoundCheckpoint {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Tidies the folder of its owner; returns a sentence for each thing done or found wrong. */
export async function tidyRuns(home: Home, appVersion: string): Promise<string[]> {
  const lines = await sweepExports(home.exportsFolder);
  for (const name of await readdir(home.runsFolder)) {
    const folder = join(home.runsFolder, name);
    if (name.startsWith(DELETED)) await removeFolder(folder);
    else if (ID.test(name) && findRun(home.db, name) === null) lines.push(await adoptOrRemove(home, name, appVersion));
  }
  return lines;
}

/** Removes the files of a run whose row is gone; returns the bytes freed. Renamed first: half of a folder is no run. */
export async function removeRunFolder(home: Home, runId: string): Promise<number> {
  const folder = home.runFolder(runId);
  if (!existsSync(folder)) return 0;
  const doomed = join(home.runsFolder, `${DELETED}${runId}`);
  await rename(folder, doomed);
  return removeFolder(doomed);
}

async function adoptOrRemove(home: Home, runId: string, appVersion: string): Promise<string> {
  const folder = home.runFolder(runId);
  const names = await readdir(folder).catch(() => null);
  if (names?.every((name) => name.startsWith('.') && name.endsWith('.tmp'))) {
    await removeFolder(folder);
    return `Removed the run folder ${folder}: its process was killed before it had written anything.`;
  }
  const found = await wholeCheckpoints(folder, runId);
  if (found.length === 0)
    return `The run folder ${folder} belongs to no run of the history and holds no whole checkpoint.`;
  adopt(home, { id: runId, appVersion, createdAt: Math.round((await stat(folder)).mtimeMs) }, found);
  return `Run #${requireRun(home.db, runId).number} was missing from the history; it was listed again from ${folder}.`;
}

async function wholeCheckpoints(runFolder: string, runId: string): Promise<FoundCheckpoint[]> {
  const found: FoundCheckpoint[] = [];
  for (const folder of await listCheckpointFolders(runFolder, ['last', 'kept', 'best'])) {
    try {
      const manifest = await readManifest(join(runFolder, folder));
      await verifyFiles(join(runFolder, folder), manifest.files);
      if (manifest.runId === runId) found.push({ folder, manifest });
    } catch {
      // A damaged checkpoint proves nothing about the run.
    }
  }
  return found;
}

/** `found`: newest first. */
function adopt(
  { db }: Home,
  run: { id: string; appVersion: string; createdAt: number },
  found: FoundCheckpoint[],
): void {
  const [{ manifest }] = found;
  const { state, spec } = manifest;
  const written = recipeOf(manifest);
  const dataset = findDataset(db, written.dataset);
  const ood = written.ood === null ? null : findDataset(db, written.ood);
  const recipe = { ...written, dataset: dataset?.id ?? NO_DATASET, ood: ood?.id ?? null };
  const isFinished = manifest.recipe !== undefined && state.epoch > recipe.epochs;
  const at = Date.now();
  inTransaction(db, () => {
    const names = { datasetName: dataset?.name ?? 'not known', oodName: ood?.name ?? null };
    insertRun(db, { ...run, ...names, name: null, recipe, tags: [] });
    for (const { folder, manifest: each } of found.toReversed()) {
      const { kind, valCosine, files } = each;
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      const { epoch, step } = each.state;
      putCheckpoint(db, run.id, { folder, kind, epoch, step, valCosine, bytes, sha256: files[MODEL_FILE].sha256 }, at);
    }
    updateRun(db, run.id, {
      status: isFinished ? 'finished' : 'interrupted',
      reason: LOST,
      ended_at_ms: run.createdAt,
      parameters: parameterCount(spec),
      epoch: Math.max(0, state.epoch - 1),
      step: state.step,
      best_json: state.best === null ? null : JSON.stringify(state.best),
      duration_ms: state.durationMs,
    });
    insertLog(db, run.id, { at, level: 'warning', message: LOST });
  });
}

/** What the model itself shows, where the manifest holds no recipe: such a run can be evaluated and exported. */
function recipeOf({ recipe, spec, state }: Manifest): Recipe {
  if (recipe !== undefined) return readRecipe(JSON.stringify(recipe));
  const skip = spec.type === 'amn' && spec.skip ? 'positional' : 'mean';
  return RecipeSchema.parse({
    dataset: NO_DATASET,
    modelType: spec.type,
    skip,
    sizes: sizesOf(spec),
    seed: state.seed,
  });
}

/** Removes partial exports of processes that are gone. */
async function sweepExports(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of await readdir(folder)) {
    const pid = PARTIAL_EXPORT.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    lines.push(`Removed ${join(folder, name)}: the process that exported it was killed.`);
  }
  return lines;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
