/** A file's weights as the parameters of a model: kind and sizes inferred, names without prefix, values finite. */
import { positionTable } from '#engine/positions.ts';
import type { NamedTensors } from '#engine/types.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { POSITIONS_BUFFER, inferModel, type ModelHints } from '#shared/domain/infer-model.ts';
import { parameterShapes, positionWidth, type ModelSpec } from '#shared/domain/models.ts';
import { dictAt, numberAt, sizeAt, type PlainDict } from './history.ts';
import { readWeightsFile, type WeightsFile } from './weights-file.ts';

export interface ModelWeights {
  readonly source: WeightsFile;
  readonly spec: ModelSpec;
  readonly parameters: NamedTensors;
  readonly args: PlainDict;
  readonly assumed: readonly string[];
}

/** Rounding of positions that were stored in half precision. */
const POSITION_TOLERANCE = 5e-3;

/** What the file itself says fills in for hints that are absent. */
export async function readModelWeights(path: string, hints: ModelHints = {}): Promise<ModelWeights> {
  const source = await readWeightsFile(path);
  const args = dictAt(source.rest, 'args', 'config', 'hparams', 'hyper_parameters');
  const shapes = new Map([...source.tensors].map(([name, { shape }]) => [name, shape]));
  const { spec, prefix, assumed } = inferModel(
    shapes,
    {
      T: sizeAt(args, 'context_length', 'context_len', 'context_size', 'seq_len', 'window'),
      heads: sizeAt(args, 'nhead', 'num_heads', 'n_heads', 'heads'),
      dropout: numberAt(args, 'dropout') ?? undefined,
      ...Object.fromEntries(Object.entries(hints).filter(([, value]) => value !== undefined)),
    },
    source.file,
  );
  refuseOtherPositions(source, prefix, spec);
  const parameters: NamedTensors = new Map(
    parameterShapes(spec).map(({ name }) => [name, finite(source, prefix + name)]),
  );
  return { source, spec, parameters, args, assumed };
}

function finite({ tensors, file }: WeightsFile, name: string): Float32Array {
  const data = tensors.get(name)!.data;
  const at = data.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return data;
  throw new NextvecError('NOT_FINITE', `${file}: ${name}: element ${at} is ${data[at]}.`, {
    remedy: 'The run that wrote it has diverged; take an earlier checkpoint of it.',
    details: { place: file, where: name },
  });
}

/** Positions are computed here; a file whose buffer holds others is another model. */
function refuseOtherPositions({ tensors, file }: WeightsFile, prefix: string, spec: ModelSpec): void {
  const buffer = tensors.get(prefix + POSITIONS_BUFFER)?.data;
  const width = positionWidth(spec);
  if (!buffer || width === null) return;
  const expected = positionTable(spec.T, width);
  const at = expected.findIndex((x, i) => !(Math.abs(x - buffer[i]) <= POSITION_TOLERANCE));
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

/** Parameters to start a run of this very model from; throws BAD_RECIPE where the file holds another one. */
export async function initialWeights(path: string, spec: ModelSpec): Promise<NamedTensors> {
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
      remedy: 'Choose data of the same width, and the sizes and the skip path of those weights.',
      details: { place: 'initFrom' },
    },
  );
}
