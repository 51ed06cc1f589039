/** A file's weights as the parameters of a model: kind and sizes inferred, names as in the model, values finite. */
import { dirname } from 'node:path';
import { positionTable } from '#engine/positions.ts';
import type { NamedTensors } from '#engine/types.ts';
import type { InitFile } from '#shared/contract/trainer.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { POSITIONS_BUFFER, inferModel, unwrappedName, type ModelHints } from '#shared/domain/models/infer-model.ts';
import { GATE_STD } from '#shared/domain/models/gram.ts';
import { positionWidth, type ModelSpec } from '#shared/domain/models/models.ts';
import { CONTEXT_MEAN_WEIGHTS, parameterShapes } from '#shared/domain/models/shapes.ts';
import { shortText } from '#shared/domain/short-text.ts';
import type { StoredTensor } from '../formats/torch/file.ts';
import { readMixture } from './gram-settings.ts';
import { dictAt, numberAt, sizeAt, type PlainDict } from './args.ts';
import { readCheckpoint } from '../checkpoints/read.ts';
import { withWeightsFile, type WeightsFile } from './weights-file.ts';

export interface ModelWeights {
  readonly source: Omit<WeightsFile, 'tensors'>;
  readonly spec: ModelSpec;
  readonly parameters: NamedTensors;
  readonly args: PlainDict;
  readonly assumed: readonly string[];
}

/** Rounding of constants that were stored in half precision. */
const CONSTANT_TOLERANCE = 5e-3;

/** What the file itself says fills in for hints that are absent. Only the tensors of the model are read. */
export function readModelWeights(path: string, hints: ModelHints = {}): Promise<ModelWeights> {
  return withWeightsFile(path, async (weights) => {
    const { file, format, rest } = weights;
    const args = dictAt(rest, 'args', 'config', 'hparams', 'hyper_parameters');
    const tensors = modelTensors(weights);
    const { spec, prefix, assumed } = inferModel(
      new Map([...tensors].map(([name, { shape }]) => [name, shape])),
      {
        T: sizeAt(args, 'context_length', 'context_len', 'context_size', 'seq_len', 'window'),
        heads: sizeAt(args, 'nhead', 'num_heads', 'n_heads', 'heads'),
        dropout: numberAt(args, 'dropout') ?? undefined,
        mixture: await readMixture(tensors, file),
        ...Object.fromEntries(Object.entries(hints).filter(([, value]) => value !== undefined)),
      },
      file,
    );
    await refuseOtherPositions(tensors.get(prefix + POSITIONS_BUFFER), spec, file);
    const parameters: NamedTensors = new Map();
    for (const { name } of parameterShapes(spec)) {
      const data = await tensors.get(prefix + name)!.read();
      if (spec.type === 'gram' && name === GATE_STD) refuseNotPositive(data, name, file);
      else refuseNotFinite(data, name, file);
      parameters.set(name, data);
    }
    for (const [name, data] of parameters) if (isContextMean(name)) refuseOtherMean(data, name, file);
    return { source: { file, format, rest }, spec, parameters, args, assumed };
  });
}

/** Tensors under the names they have in the model; counters (`n_averaged`, `num_batches_tracked`) are no part of it. */
function modelTensors({ tensors, file }: WeightsFile): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [stored, tensor] of tensors) {
    if (tensor.shape.length === 0 && /^u?int/.test(tensor.dtype)) continue;
    const name = unwrappedName(stored);
    if (result.has(name)) {
      throw new NextvecError(
        'BAD_CHECKPOINT',
        `${file} holds ${shortText(name)} twice, once as ${shortText(stored)}.`,
        {
          remedy: 'Save one state_dict only.',
          details: { place: file, where: name },
        },
      );
    }
    result.set(name, tensor);
  }
  return result;
}

function refuseNotFinite(data: Float32Array, name: string, file: string): void {
  const at = data.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return;
  throw new NextvecError('NOT_FINITE', `${file}: ${name}: element ${at} is ${data[at]}.`, {
    remedy: 'The run that wrote it has diverged; take an earlier checkpoint of it.',
    details: { place: file, where: name },
  });
}

/** Standard deviations, of which some are Infinity. */
function refuseNotPositive(data: Float32Array, name: string, file: string): void {
  const at = data.findIndex((x) => !(x > 0));
  if (at < 0) return;
  throw new NextvecError('BAD_CHECKPOINT', `${file}: ${name}: element ${at} is ${data[at]}, expected above 0.`, {
    remedy: 'Export the run anew, or take an intact copy of the file.',
    details: { place: file, where: name },
  });
}

/** Positions are computed here; a file whose buffer holds others is another model. */
async function refuseOtherPositions(stored: StoredTensor | undefined, spec: ModelSpec, file: string): Promise<void> {
  const width = positionWidth(spec);
  if (!stored || width === null) return;
  const buffer = await stored.read();
  const expected = positionTable(spec.T, width);
  const at = expected.findIndex((x, i) => !(Math.abs(x - buffer[i]) <= CONSTANT_TOLERANCE));
  if (at < 0) return;
  throw new NextvecError(
    'BAD_CHECKPOINT',
    `${file}: ${POSITIONS_BUFFER} are not the sinusoidal positions this model adds.`,
    {
      remedy: 'Only the Transformer with sinusoidal positions can be used here.',
      details: { place: file, where: POSITIONS_BUFFER },
    },
  );
}

/** Only the plain mean of the context is subtracted here. */
function refuseOtherMean(weights: Float32Array, name: string, file: string): void {
  if (weights.every((weight) => Math.abs(weight * weights.length - 1) <= CONSTANT_TOLERANCE)) return;
  throw new NextvecError('BAD_CHECKPOINT', `${file}: ${name} are not all 1/${weights.length}.`, {
    remedy: 'Only models relative to the plain mean of their context can be used here.',
    details: { place: file, where: name },
  });
}

/** Of the model itself, or of a part of a mixture. */
function isContextMean(name: string): boolean {
  return name === CONTEXT_MEAN_WEIGHTS || name.endsWith(`.${CONTEXT_MEAN_WEIGHTS}`);
}

/**
 * Parameters to start a run of this very model from. Throws BAD_RECIPE where the file holds another model, BAD_CHECKPOINT
 * where a checkpoint of the history is not as it was recorded.
 */
export async function initialWeights({ path, run }: InitFile, spec: ModelSpec): Promise<NamedTensors> {
  if (run !== null) await readCheckpoint(dirname(path), run);
  const heads = 'heads' in spec ? spec.heads : undefined;
  const found = await readModelWeights(path, { modelType: spec.type, T: spec.T, heads });
  const wanted = parameterShapes(spec);
  const problem = wanted.find(({ name, shape }) => {
    const there = parameterShapes(found.spec).find((p) => p.name === name);
    return there?.shape.join() !== shape.join();
  });
  if (!problem && found.parameters.size === wanted.length) return found.parameters;
  const sizes = (model: ModelSpec): string => JSON.stringify(model).replaceAll('"', '');
  throw new NextvecError(
    'BAD_RECIPE',
    `${found.source.file} cannot start this run: it holds ${sizes(found.spec)}, the recipe asks for ${sizes(spec)}.`,
    {
      remedy: 'Choose data of the same width, and the sizes, the skip path and the inputs of those weights.',
      details: { place: 'initFrom' },
    },
  );
}
