/**
 * Writes checkpoint folders: under a temporary name, synced, read back, then renamed, so that a folder with a final name
 * is complete. Not here: when one is due (`trainer/owed-checkpoints.ts`).
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '#engine/trainer/types.ts';
import type { NamedTensors, OptimizerState } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import type { Recipe } from '#shared/domain/recipe/recipe.ts';
import type { CheckpointKind, StoredCheckpoint } from '#shared/domain/runs/training.ts';
import { encodeArrays, encodeSafetensors, type Tensor } from '../formats/safetensors.ts';
import {
  FIT_FILE,
  GOLDEN_FILE,
  MANIFEST_FILE,
  MODEL_FILE,
  OPTIMIZER_FILE,
  sha256,
  verifyFiles,
  weightsFileOf,
  type Manifest,
} from './manifest.ts';
import { removeCheckpoints } from './remove.ts';

export interface WriteOptions {
  readonly runFolder: string;
  readonly runId: string;
  readonly spec: ModelSpec;
  readonly kind: CheckpointKind;
  readonly valCosine: number | null;
  /** Kept in the manifest. */
  readonly recipe?: Recipe;
}

/**
 * Writes one checkpoint and removes the ones of its kind that it replaces (`kept` replaces none). Throws FILE_NOT_FOUND when
 * the run's folder is gone; it is not made again.
 */
export async function writeCheckpoint(checkpoint: Checkpoint, options: WriteOptions): Promise<StoredCheckpoint> {
  const { runFolder, kind } = options;
  const { epoch, step } = checkpoint.state;
  const name = await freeName(runFolder, kind, step);
  const temporary = join(runFolder, `.${name}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  let files: Manifest['files'];
  try {
    files = await writeFiles(temporary, checkpoint, options);
    await rename(temporary, join(runFolder, name));
  } catch (error) {
    // A partial checkpoint is useless, and on a full disk its space is needed.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw existsSync(runFolder) ? error : folderGone(runFolder, error);
  }
  await syncFolder(runFolder);
  if (kind !== 'kept') await removeOthers(runFolder, kind, name);
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  const { valCosine } = options;
  return { folder: name, kind, epoch, step, valCosine, bytes, sha256: files[weightsFileOf(options)].sha256 };
}

function folderGone(path: string, cause: unknown): NextvecError {
  return new NextvecError(
    'FILE_NOT_FOUND',
    `The folder ${path} is gone: it was moved or deleted while its run trained.`,
    {
      remedy: 'Put the storage folder back, then resume.',
      details: { place: path },
      cause,
    },
  );
}

/** Writes all files of a checkpoint into `folder`, synced and read back. */
async function writeFiles(folder: string, checkpoint: Checkpoint, options: WriteOptions): Promise<Manifest['files']> {
  await mkdir(folder);
  const contents = checkpointFiles(checkpoint, options);
  const files: Manifest['files'] = {};
  for (const [file, bytes] of contents) {
    files[file] = await writeSynced(join(folder, file), bytes);
  }
  const manifest: Manifest = {
    version: 1,
    kind: options.kind,
    runId: options.runId,
    spec: options.spec,
    valCosine: options.valCosine,
    state: checkpoint.state,
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    optimizerStep: contents.has(OPTIMIZER_FILE) ? (optimizerOf(checkpoint)?.step ?? null) : null,
    files,
  };
  const sealed = { ...manifest, sha256: sha256(JSON.stringify(manifest)) };
  await writeSynced(join(folder, MANIFEST_FILE), new TextEncoder().encode(JSON.stringify(sealed, null, 1)));
  await verifyFiles(folder, files);
  await syncFolder(folder);
  return files;
}

/** `kind-step-n`: two checkpoints of one step (before and after its evaluation) get different names. */
async function freeName(runFolder: string, kind: CheckpointKind, step: number): Promise<string> {
  const taken = new Set(await readdir(runFolder).catch((): string[] => []));
  const stem = `${kind}-${String(step).padStart(10, '0')}`;
  let n = 0;
  while (taken.has(`${stem}-${n}`)) n++;
  return `${stem}-${n}`;
}

function optimizerOf(checkpoint: Checkpoint): OptimizerState | null {
  return 'fit' in checkpoint ? null : checkpoint.optimizer;
}

/** File contents by name. `kept` and `last` can be resumed from; `best` has no optimizer: it is evaluated and exported. */
function checkpointFiles(checkpoint: Checkpoint, options: WriteOptions): Map<string, Uint8Array> {
  const { spec, kind } = options;
  if ('fit' in checkpoint) {
    const { version, step, arrays } = checkpoint.fit;
    return new Map([[FIT_FILE, encodeArrays(arrays, { version: String(version), step: String(step) })]]);
  }
  const { parameters, golden } = checkpoint;
  const optimizer = optimizerOf(checkpoint);
  // No metadata of the run: equal weights give equal files.
  const metadata = { format: 'pt', model: spec.type };
  const files = new Map<string, Uint8Array>();
  files.set(MODEL_FILE, encodeSafetensors(shaped(spec, parameters, ''), metadata));
  if (kind !== 'best' && optimizer) {
    const moments = new Map([...shaped(spec, optimizer.m, 'm/'), ...shaped(spec, optimizer.v, 'v/')]);
    files.set(OPTIMIZER_FILE, encodeSafetensors(moments));
  }
  const { B, contexts, raw } = golden;
  const pair = new Map<string, Tensor>([
    ['contexts', { shape: [B, spec.T, spec.D], data: contexts }],
    ['raw', { shape: [B, spec.D], data: raw }],
  ]);
  files.set(GOLDEN_FILE, encodeSafetensors(pair));
  return files;
}

function shaped(spec: ModelSpec, tensors: NamedTensors, prefix: string): Map<string, Tensor> {
  return new Map(
    parameterShapes(spec).map(({ name, shape }) => {
      const data = tensors.get(name);
      if (data === undefined) throw new Error(`the model gave no ${prefix}${name}`);
      return [prefix + name, { shape, data }];
    }),
  );
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes: bytes.length, sha256: sha256(bytes) };
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; there the rename itself is journaled.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function removeOthers(runFolder: string, kind: CheckpointKind, keep: string): Promise<void> {
  const names = await readdir(runFolder);
  const half = names.filter((n) => n.startsWith('.') && n.endsWith('.tmp'));
  await Promise.all(half.map((n) => rm(join(runFolder, n), { recursive: true, force: true })));
  const old = names.filter((n) => n.startsWith(`${kind}-`) && n !== keep);
  await removeCheckpoints(runFolder, old);
}
