/** Reads checkpoint folders: every hash, name and shape is checked. */
import { basename, join } from 'node:path';
import type { GoldenPair } from '#engine/trainer/types.ts';
import type { NamedTensors, OptimizerState } from '#engine/types.ts';
import type { RunCheckpoints } from '#shared/contract/trainer.ts';
import { parameterShapes, type ModelSpec } from '#shared/domain/models/models.ts';
import type { TrainerState } from '#shared/domain/runs/training.ts';
import { decodeSafetensors, type Tensor } from '../formats/safetensors.ts';
import {
  damaged,
  GOLDEN_FILE,
  MODEL_FILE,
  OPTIMIZER_FILE,
  readManifest,
  verifyFiles,
  type CheckpointKind,
  type Manifest,
} from './manifest.ts';

export interface LoadedCheckpoint {
  readonly folder: string;
  readonly kind: CheckpointKind;
  readonly spec: ModelSpec;
  readonly valCosine: number | null;
  readonly state: TrainerState;
  readonly parameters: NamedTensors;
  /** null in `best`, which cannot be resumed from. */
  readonly optimizer: OptimizerState | null;
  readonly golden: GoldenPair;
}

/**
 * Reads a checkpoint of this run. Throws BAD_CHECKPOINT naming the file at fault; also where it is another run's, or its
 * weights are not those the history lists under this folder.
 */
export async function readCheckpoint(folder: string, run: RunCheckpoints): Promise<LoadedCheckpoint> {
  const manifest = await readManifest(folder);
  refuseForeign(folder, manifest, run);
  const contents = await verifyFiles(folder, manifest.files);
  const read = (file: string): Map<string, Tensor> => {
    const path = join(folder, file);
    return decodeSafetensors(contents.get(file) ?? new Uint8Array(), path).tensors;
  };
  const { spec } = manifest;
  const optimizer = manifest.kind === 'best' ? null : read(OPTIMIZER_FILE);
  return {
    folder,
    kind: manifest.kind,
    spec,
    valCosine: manifest.valCosine,
    state: manifest.state,
    parameters: pick(spec, read(MODEL_FILE), '', join(folder, MODEL_FILE)),
    optimizer: optimizer && {
      step: manifest.optimizerStep ?? manifest.state.step,
      m: pick(spec, optimizer, 'm/', join(folder, OPTIMIZER_FILE)),
      v: pick(spec, optimizer, 'v/', join(folder, OPTIMIZER_FILE)),
    },
    golden: readGolden(spec, read(GOLDEN_FILE), join(folder, GOLDEN_FILE)),
  };
}

function refuseForeign(folder: string, { runId, files }: Manifest, run: RunCheckpoints): void {
  if (runId !== run.runId) throw damaged(folder, `it is of run ${runId}, not of run ${run.runId}`);
  const listed = run.weightHashes[basename(folder)];
  if (listed !== undefined && listed !== files[MODEL_FILE].sha256) {
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
