/**
 * Checkpoints on disk. One folder each below `runs/<id>/`: `model.safetensors`, `golden.safetensors`, for `last` and
 * `kept` also `optimizer.safetensors`, and `checkpoint.json` with the trainer's state, every file's hash and its own.
 * Written under a temporary name, synced, read back, then renamed: a folder with a final name is whole.
 */
import { createHash } from 'node:crypto';
import { open, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Checkpoint, GoldenPair } from '#engine/trainer/types.ts';
import type { NamedTensors, OptimizerState } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { ModelSpecSchema, parameterShapes, type ModelSpec } from '#shared/domain/models/models.ts';
import { TrainerStateSchema, type TrainerState } from '#shared/domain/runs/training.ts';
import { readRegularFile } from '../formats/regular-file.ts';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../formats/safetensors.ts';

export const CHECKPOINT_KINDS = ['best', 'last', 'kept'] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

const MANIFEST = 'checkpoint.json';
const MAX_MANIFEST_BYTES = 64 << 20;
export const MODEL_FILE = 'model.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
export const GOLDEN_FILE = 'golden.safetensors';

const ManifestSchema = z.object({
  version: z.literal(1),
  kind: z.enum(CHECKPOINT_KINDS),
  runId: z.string(),
  spec: ModelSpecSchema,
  /** Validation cosine of exactly these weights; null in the middle of an epoch. */
  valCosine: z.number().nullable(),
  state: TrainerStateSchema,
  optimizerStep: z.int().min(0).nullable(),
  files: z.record(z.string(), z.object({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});
type Manifest = z.infer<typeof ManifestSchema>;

/** What the run's row points at. */
export interface StoredCheckpoint {
  readonly folder: string;
  readonly kind: CheckpointKind;
  readonly epoch: number;
  readonly step: number;
  readonly valCosine: number | null;
  readonly bytes: number;
  /** Of the weights file. */
  readonly sha256: string;
}

export interface LoadedCheckpoint {
  readonly folder: string;
  readonly kind: CheckpointKind;
  readonly spec: ModelSpec;
  readonly valCosine: number | null;
  readonly state: TrainerState;
  readonly parameters: NamedTensors;
  /** Absent in `best`, which is not resumed from. */
  readonly optimizer: OptimizerState | null;
  readonly golden: GoldenPair;
}

export interface WriteOptions {
  readonly runFolder: string;
  readonly runId: string;
  readonly spec: ModelSpec;
  readonly kind: CheckpointKind;
  readonly valCosine: number | null;
}

/** Writes one checkpoint and removes the ones of its kind that it replaces (`kept` replaces none). */
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
    // Half a checkpoint is of no use, and on a full disk its room is needed.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(runFolder);
  if (kind !== 'kept') await removeOthers(runFolder, kind, name);
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  return { folder: name, kind, epoch, step, valCosine: options.valCosine, bytes, sha256: files[MODEL_FILE].sha256 };
}

/** Everything of a checkpoint into `folder`, synced and read back. */
async function writeFiles(folder: string, checkpoint: Checkpoint, options: WriteOptions): Promise<Manifest['files']> {
  await mkdir(folder, { recursive: true });
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
    optimizerStep: contents.has(OPTIMIZER) ? checkpoint.optimizer.step : null,
    files,
  };
  const sealed = { ...manifest, sha256: sha256(JSON.stringify(manifest)) };
  await writeSynced(join(folder, MANIFEST), new TextEncoder().encode(JSON.stringify(sealed, null, 1)));
  await verifyFiles(folder, files);
  await syncFolder(folder);
  return files;
}

/** `kind-step-n`: two checkpoints of one step (before and after its evaluation) never overwrite each other. */
async function freeName(runFolder: string, kind: CheckpointKind, step: number): Promise<string> {
  const taken = new Set(await readdir(runFolder).catch(() => [] as string[]));
  const stem = `${kind}-${String(step).padStart(10, '0')}`;
  let n = 0;
  while (taken.has(`${stem}-${n}`)) n++;
  return `${stem}-${n}`;
}

/** `kept` and `last` can be resumed from; `best` is what is evaluated and exported. */
function checkpointFiles(checkpoint: Checkpoint, options: WriteOptions): Map<string, Uint8Array> {
  const { spec, kind } = options;
  const { parameters, optimizer, golden } = checkpoint;
  // Nothing of the run itself: equal weights are equal files.
  const metadata = { format: 'pt', model: spec.type };
  const files = new Map<string, Uint8Array>();
  files.set(MODEL_FILE, encodeSafetensors(shaped(spec, parameters, ''), metadata));
  if (kind !== 'best') {
    const moments = new Map([...shaped(spec, optimizer.m, 'm/'), ...shaped(spec, optimizer.v, 'v/')]);
    files.set(OPTIMIZER, encodeSafetensors(moments));
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

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
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
  const old = names.filter(
    (n) => (n.startsWith(`${kind}-`) && n !== keep) || (n.startsWith('.') && n.endsWith('.tmp')),
  );
  await Promise.all(old.map((n) => rm(join(runFolder, n), { recursive: true, force: true })));
}

function damaged(place: string, what: string): NextvecError {
  return new NextvecError('BAD_CHECKPOINT', `The checkpoint ${place} cannot be used: ${what}.`, {
    remedy: 'Resume from another checkpoint of the run, or start the run again.',
    details: { place },
  });
}

async function verifyFiles(folder: string, files: Manifest['files']): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const [file, expected] of Object.entries(files)) {
    const path = join(folder, file);
    const bytes = await readRegularFile(path).catch((cause: Error) => {
      throw damaged(path, cause.message);
    });
    if (bytes.length !== expected.bytes) throw damaged(path, `${bytes.length} bytes, expected ${expected.bytes}`);
    if (sha256(bytes) !== expected.sha256) throw damaged(path, 'its hash is not the one recorded');
    contents.set(file, bytes);
  }
  return contents;
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  let json: unknown;
  try {
    json = JSON.parse((await readRegularFile(path, MAX_MANIFEST_BYTES)).toString('utf8'));
  } catch (cause) {
    throw damaged(path, cause instanceof Error ? cause.message : 'unreadable');
  }
  const { sha256: seal, ...manifest } = (json ?? {}) as Record<string, unknown>;
  if (seal !== sha256(JSON.stringify(manifest))) throw damaged(path, 'it is not as it was written');
  const parsed = ManifestSchema.safeParse(manifest);
  if (!parsed.success) throw damaged(path, z.prettifyError(parsed.error));
  const needed = parsed.data.kind === 'best' ? [MODEL_FILE, GOLDEN_FILE] : [MODEL_FILE, OPTIMIZER, GOLDEN_FILE];
  const missing = needed.find((file) => parsed.data.files[file] === undefined);
  if (missing !== undefined) throw damaged(path, `it lists no ${missing}`);
  return parsed.data;
}

/** Reads a checkpoint whole: every hash, every name and every shape is checked. */
export async function readCheckpoint(folder: string): Promise<LoadedCheckpoint> {
  const manifest = await readManifest(folder);
  const contents = await verifyFiles(folder, manifest.files);
  const read = (file: string): Map<string, Tensor> => {
    const path = join(folder, file);
    return decodeSafetensors(contents.get(file) ?? new Uint8Array(), path).tensors;
  };
  const { spec } = manifest;
  const optimizer = manifest.kind === 'best' ? null : read(OPTIMIZER);
  return {
    folder,
    kind: manifest.kind,
    spec,
    valCosine: manifest.valCosine,
    state: manifest.state,
    parameters: pick(spec, read(MODEL_FILE), '', join(folder, MODEL_FILE)),
    optimizer: optimizer && {
      step: manifest.optimizerStep ?? manifest.state.step,
      m: pick(spec, optimizer, 'm/', join(folder, OPTIMIZER)),
      v: pick(spec, optimizer, 'v/', join(folder, OPTIMIZER)),
    },
    golden: readGolden(spec, read(GOLDEN_FILE), join(folder, GOLDEN_FILE)),
  };
}

function pick(spec: ModelSpec, tensors: Map<string, Tensor>, prefix: string, place: string): NamedTensors {
  return new Map(
    parameterShapes(spec).map(({ name, shape }) => {
      const tensor = tensors.get(prefix + name);
      if (tensor === undefined) throw damaged(place, `it holds no ${prefix}${name}`);
      if (tensor.shape.join() !== shape.join()) {
        throw damaged(place, `${prefix}${name} has shape [${tensor.shape.join()}], expected [${shape.join()}]`);
      }
      return [name, tensor.data];
    }),
  );
}

function readGolden({ T, D }: ModelSpec, tensors: Map<string, Tensor>, place: string): GoldenPair {
  const contexts = tensors.get('contexts');
  const raw = tensors.get('raw');
  const B = contexts?.shape[0];
  if (contexts === undefined || raw === undefined || B === undefined) throw damaged(place, 'it holds no golden pair');
  if (contexts.shape.join() !== [B, T, D].join() || raw.shape.join() !== [B, D].join()) {
    throw damaged(place, 'its golden pair does not fit the model');
  }
  return { contexts: new Float32Array(contexts.data), raw: raw.data, B };
}

/** Folder names of a kind, newest first. */
export async function listCheckpointFolders(runFolder: string, kinds: readonly CheckpointKind[]): Promise<string[]> {
  const names = await readdir(runFolder).catch(() => [] as string[]);
  return names
    .map((name) => ({ name, parts: /^(best|last|kept)-(\d{10,})-(\d+)$/.exec(name) }))
    .filter(({ parts }) => parts !== null && kinds.some((kind) => kind === parts[1]))
    .toSorted((a, b) => Number(b.parts?.[2]) - Number(a.parts?.[2]) || Number(b.parts?.[3]) - Number(a.parts?.[3]))
    .map(({ name }) => name);
}

export interface Resumable {
  readonly checkpoint: LoadedCheckpoint;
  /** Newer checkpoints that could not be used, one sentence each. */
  readonly skipped: readonly string[];
}

/** The newest checkpoint a run can go on from; null when it has none yet. All damaged: the newest one's error. */
export async function findResumable(runFolder: string): Promise<Resumable | null> {
  const skipped: string[] = [];
  let firstError: unknown = null;
  for (const name of await listCheckpointFolders(runFolder, ['last', 'kept'])) {
    try {
      return { checkpoint: await readCheckpoint(join(runFolder, name)), skipped };
    } catch (error) {
      firstError ??= error;
      skipped.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (firstError !== null) throw firstError;
  return null;
}

/**
 * Removes the `last` checkpoints that this one has replaced: a program that was killed between writing the final one and
 * removing the one before goes on from it, and writes no other. Newer ones that could not be used stay.
 */
export async function removeReplaced(runFolder: string, { folder }: Pick<LoadedCheckpoint, 'folder'>): Promise<void> {
  const names = await listCheckpointFolders(runFolder, ['last']);
  const at = names.indexOf(basename(folder));
  const replaced = at < 0 ? [] : names.slice(at + 1);
  await Promise.all(replaced.map((name) => rm(join(runFolder, name), { recursive: true, force: true })));
}
