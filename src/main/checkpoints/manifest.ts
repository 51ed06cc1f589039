/**
 * The manifest of a checkpoint folder, `checkpoint.json`: the trainer's state, the hash of every file and its own hash.
 * A folder below `runs/<id>/` holds it beside `model.safetensors`, `golden.safetensors` and, for `last` and `kept`,
 * `optimizer.safetensors`; of a Gram mixture, `last` and `kept` hold `fit.safetensors` alone.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { NextvecError } from '#shared/domain/errors.ts';
import { ModelSpecSchema } from '#shared/domain/models/models.ts';
import { CHECKPOINT_KINDS } from '#shared/domain/runs/training.ts';
import { TrainerStateSchema } from '#shared/domain/runs/trainer-state.ts';
import { readRegularFile } from '../formats/files/regular-file.ts';

export const MANIFEST_FILE = 'checkpoint.json';
const MAX_MANIFEST_BYTES = 64 << 20;
export const MODEL_FILE = 'model.safetensors';
export const OPTIMIZER_FILE = 'optimizer.safetensors';
/** What the fit of a Gram mixture has found so far. */
export const FIT_FILE = 'fit.safetensors';
export const GOLDEN_FILE = 'golden.safetensors';

const ManifestSchema = z.object({
  version: z.literal(1),
  kind: z.enum(CHECKPOINT_KINDS),
  runId: z.string(),
  spec: ModelSpecSchema,
  /** Validation cosine of exactly these weights; null in the middle of an epoch. */
  valCosine: z.number().nullable(),
  state: TrainerStateSchema,
  /** The run's recipe as JSON, so that a run whose row is lost can be listed again; absent before version 0.2. */
  recipe: z.record(z.string(), z.unknown()).optional(),
  optimizerStep: z.int().min(0).nullable(),
  files: z.record(z.string(), z.object({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});
export type Manifest = z.infer<typeof ManifestSchema>;

/** Node hashes at most 2 GiB in one call. */
const PIECE_BYTES = 2 ** 30;

/** Hex SHA-256. */
export function sha256(bytes: Uint8Array | string, pieceBytes = PIECE_BYTES): string {
  const hash = createHash('sha256');
  if (typeof bytes === 'string') hash.update(bytes);
  else for (let at = 0; at < bytes.length; at += pieceBytes) hash.update(bytes.subarray(at, at + pieceBytes));
  return hash.digest('hex');
}

/** BAD_CHECKPOINT: `place` is a file or folder, `what` the reason. */
export function damaged(place: string, what: string): NextvecError {
  return new NextvecError('BAD_CHECKPOINT', `The checkpoint ${place} cannot be used: ${what}.`, {
    remedy: 'Resume from another checkpoint of the run, or start the run again.',
    details: { place },
  });
}

/** Checks every file of `folder` against its size and hash; returns the bytes by file name. Throws BAD_CHECKPOINT. */
export async function verifyFiles(folder: string, files: Manifest['files']): Promise<Map<string, Uint8Array>> {
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

/** Whether it holds an unfinished fit instead of a model. */
export function holdsFit({ kind, spec }: Pick<Manifest, 'kind' | 'spec'>): boolean {
  return spec.type === 'gram' && kind !== 'best';
}

function neededFiles(manifest: Manifest): string[] {
  if (holdsFit(manifest)) return [FIT_FILE];
  return manifest.kind === 'best' ? [MODEL_FILE, GOLDEN_FILE] : [MODEL_FILE, OPTIMIZER_FILE, GOLDEN_FILE];
}

/** The file whose hash the history records. */
export function weightsFileOf(manifest: Pick<Manifest, 'kind' | 'spec'>): string {
  return holdsFit(manifest) ? FIT_FILE : MODEL_FILE;
}

/** Reads and checks `checkpoint.json` of a folder. Throws BAD_CHECKPOINT. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
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
  const missing = neededFiles(parsed.data).find((file) => parsed.data.files[file] === undefined);
  if (missing !== undefined) throw damaged(path, `it lists no ${missing}`);
  return parsed.data;
}
