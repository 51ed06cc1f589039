/** Reads checkpoint folders: every hash, name and shape is checked. */
import { basename, join } from 'node:path';
import type { GramState } from '#engine/gram/state.ts';
import type { GoldenPair } from '#engine/trainer/types.ts';
import type { NamedTensors, OptimizerState } from '#engine/types.ts';
import type { RunCheckpoints } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import type { ModelSpec } from '#shared/domain/models/models.ts';
import { parameterShapes } from '#shared/domain/models/shapes.ts';
import type { CheckpointKind } from '#shared/domain/runs/training.ts';
import type { TrainerState } from '#shared/domain/runs/trainer-state.ts';
import { decodeArrays, decodeSafetensors, type Tensor } from '../formats/safetensors.ts';
import {
  damaged,
  FIT_FILE,
  GOLDEN_FILE,
  holdsFit,
  MODEL_FILE,
  OPTIMIZER_FILE,
  readManifest,
  verifyFiles,
  weightsFileOf,
  type Manifest,
} from './manifest.ts';

interface LoadedFolder {
  readonly folder: string;
  readonly kind: CheckpointKind;
  readonly spec: ModelSpec;
  readonly valCosine: number | null;
  readonly state: TrainerState;
}

/** What the fit of a Gram mixture had found. */
export interface LoadedFit extends LoadedFolder {
  readonly fit: GramState;
}

export interface LoadedCheckpoint extends LoadedFolder {
  readonly parameters: NamedTensors;
  /** null in `best`, which cannot be resumed from. */
  readonly optimizer: OptimizerState | null;
  readonly golden: GoldenPair;
}

/**
 * Reads a checkpoint of this run that holds a model. Throws BAD_CHECKPOINT naming the file at fault; also where it is
 * another run's, or its weights are not those the history lists under this folder. Throws NOT_FOUND where it holds no
 * model yet.
 */
export async function readCheckpoint(folder: string, run: RunCheckpoints): Promise<LoadedCheckpoint> {
  const checkpoint = await readAny(folder, run);
  if (!('fit' in checkpoint)) return checkpoint;
  throw new NextvecError('NOT_FOUND', `${folder} holds a Gram mixture that is not complete; it has no model yet.`, {
    remedy: 'Let the run finish; its model is made at its end.',
    details: { place: folder },
  });
}

/** Reads any checkpoint of this run, as `readCheckpoint`. */
export async function readAny(folder: string, run: RunCheckpoints): Promise<LoadedCheckpoint | LoadedFit> {
  const manifest = await readManifest(folder);
  refuseForeign(folder, manifest, run);
  const contents = await verifyFiles(folder, manifest.files);
  const { kind, valCosine, state } = manifest;
  if (holdsFit(manifest)) {
    const fit = readFit(contents.get(FIT_FILE) ?? new Uint8Array(), join(folder, FIT_FILE));
    return { folder, kind, spec: manifest.spec, valCosine, state, fit };
  }
  const read = (file: string): Map<string, Tensor> => {
    const path = join(folder, file);
    return decodeSafetensors(contents.get(file) ?? new Uint8Array(), path).tensors;
  };
  const { spec } = manifest;
  const optimizer = kind === 'best' ? null : read(OPTIMIZER_FILE);
  return {
    folder,
    kind,
    spec,
    valCosine,
    state,
    parameters: pick(spec, read(MODEL_FILE), '', join(folder, MODEL_FILE)),
    optimizer: optimizer && {
      step: manifest.optimizerStep ?? state.step,
      m: pick(spec, optimizer, 'm/', join(folder, OPTIMIZER_FILE)),
      v: pick(spec, optimizer, 'v/', join(folder, OPTIMIZER_FILE)),
    },
    golden: readGolden(spec, read(GOLDEN_FILE), join(folder, GOLDEN_FILE)),
  };
}

function readFit(file: Uint8Array, place: string): GramState {
  const { arrays, metadata } = decodeArrays(file, place);
  const step = Number(metadata.step);
  if (metadata.version !== '1' || !Number.isSafeInteger(step)) {
    throw damaged(place, `it is of version ${metadata.version} of the fit, this program reads version 1`);
  }
  return { version: 1, step, arrays };
}

function refuseForeign(folder: string, manifest: Manifest, run: RunCheckpoints): void {
  const { runId, files } = manifest;
  if (runId !== run.runId) throw damaged(folder, `it is of run ${runId}, not of run ${run.runId}`);
  const listed = run.weightHashes[basename(folder)];
  if (listed !== undefined && listed !== files[weightsFileOf(manifest)].sha256) {
    throw damaged(folder, 'its weights are not the ones the history recorded (the hash differs)');
  }
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
