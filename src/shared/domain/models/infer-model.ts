/**
 * Which model a file's tensors are, and of which sizes, from names and shapes alone. What shapes do not say
 * (context length, attention heads, dropout) comes from hints or from what every published run used, and is noted.
 */
import { NextvecError } from '../errors.ts';
import { extraPrefix, MOST_EXTRAS, type Mixture } from './gram.ts';
import {
  defaultSpec,
  ModelSpecSchema,
  sizesProblem,
  type GradientSpec,
  type ModelSpec,
  type ModelType,
} from './models.ts';
import { CONTEXT_MEAN_WEIGHTS, CORPUS_MEAN, parameterShapes } from './shapes.ts';
import { keysOf } from '../records.ts';
import { nameList, shortText } from '../short-text.ts';

export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface ModelHints {
  readonly modelType?: ModelType;
  readonly T?: number;
  readonly heads?: number;
  readonly dropout?: number;
  /** Of a Gram mixture, from its settings tensors. */
  readonly mixture?: Mixture;
}

export interface InferredModel {
  readonly spec: ModelSpec;
  /** What stands in front of every name, e.g. "model.". */
  readonly prefix: string;
  /** What was taken for granted, one sentence each. */
  readonly assumed: readonly string[];
}

/** One tensor that only this model has, and whose name never changes; first a mixture's, which may hold the others. */
const SIGNATURES: Readonly<Record<ModelType, string>> = {
  gram: 'gate_std',
  amn: 'context_encoder.weight',
  lstm: 'lstm.weight_ih_l0',
  gru: 'blocks.0.gru.weight_ih_l0',
  transformer: 'transformer_decoder.layers.0.self_attn.in_proj_weight',
};

/** Buffers of a state_dict that are computed, not learned. */
export const POSITIONS_BUFFER = 'pos_encoder.pe';
const BUFFERS = new Set([POSITIONS_BUFFER, 'pe']);
const DEFAULT_T = 5;

/** What torch.compile and DataParallel put into names, before all of them or inside. */
const WRAPPERS = new Set(['_orig_mod', 'module']);

/** The name a tensor has in the model itself: `module.residual_net._orig_mod.0.weight` is `residual_net.0.weight`. */
export function unwrappedName(name: string): string {
  return name
    .split('.')
    .filter((part) => !WRAPPERS.has(part))
    .join('.');
}

const HEAD_WIDTH = 64;

/** Throws BAD_CHECKPOINT with the first tensors that are missing, of another shape or unknown; `place` names the file. */
export function inferModel(shapes: Shapes, hints: ModelHints, place: string): InferredModel {
  const { type, prefix } = findSignature(shapes, hints.modelType, place);
  const names = new Map([...shapes].map(([name, shape]) => [name.slice(prefix.length), shape]));
  const assumed: string[] = [];
  const spec = withInputs(new SpecReader(type, names, hints, place, assumed).spec(), names);
  const { error } = ModelSpecSchema.safeParse(spec);
  const problem = error ? `${error.issues[0].path.join('.')}: ${error.issues[0].message}` : sizesProblem(spec);
  if (problem !== null) throw bad(place, `its sizes make no model. ${problem.replace(/\.$/, '')}`);
  refuseDifferences(spec, names, place);
  return { spec, prefix, assumed };
}

function findSignature(
  shapes: Shapes,
  asked: ModelType | undefined,
  place: string,
): { type: ModelType; prefix: string } {
  const types = asked ? [asked] : keysOf(SIGNATURES);
  for (const type of types) {
    const name = [...shapes.keys()].find((key) => key === SIGNATURES[type] || key.endsWith(`.${SIGNATURES[type]}`));
    if (name === undefined) continue;
    const prefix = name.slice(0, name.length - SIGNATURES[type].length);
    const stranger = [...shapes.keys()].find((key) => !key.startsWith(prefix));
    if (stranger !== undefined) throw bad(place, `it holds "${stranger}" beside a model under "${prefix}"`);
    return { type, prefix };
  }
  const what = asked ? `no ${asked} (${SIGNATURES[asked]} is missing)` : 'none of the known models';
  throw bad(place, `it holds ${what}; its first tensors are ${nameList([...shapes.keys()], 5)}`);
}

function withInputs(spec: ModelSpec, names: Shapes): ModelSpec {
  if (spec.type === 'gram') return spec;
  if (names.has(CONTEXT_MEAN_WEIGHTS)) return { ...spec, inputs: 'relative' };
  return names.has(CORPUS_MEAN) ? { ...spec, inputs: 'centred' } : spec;
}

class SpecReader {
  private readonly type: ModelType;
  private readonly names: Shapes;
  private readonly hints: ModelHints;
  private readonly place: string;
  private readonly assumed: string[];

  constructor(type: ModelType, names: Shapes, hints: ModelHints, place: string, assumed: string[]) {
    this.type = type;
    this.names = names;
    this.hints = hints;
    this.place = place;
    this.assumed = assumed;
  }

  spec(): ModelSpec {
    switch (this.type) {
      case 'amn': {
        const [dModel, D] = this.matrix('context_encoder.weight');
        const [hiddenDim] = this.matrix('residual_net.0.weight');
        const weights = this.names.get('position_weights');
        const T = weights?.[0] ?? this.T();
        return { type: 'amn', T, D, dModel, hiddenDim, ...(weights ? { skip: 'positional' as const } : {}) };
      }
      case 'lstm': {
        const [, D] = this.matrix('lstm.weight_ih_l0');
        const [, hiddenDim] = this.matrix('lstm.weight_hh_l0');
        const numLayers = this.count((i) => `lstm.weight_ih_l${i}`);
        return { type: 'lstm', T: this.T(), D, hiddenDim, numLayers, dropout: this.dropout() };
      }
      case 'gru': {
        const [dModel, D] = this.matrix('input_proj.weight');
        return { type: 'gru', T: this.T(), D, dModel, numLayers: this.count((i) => `blocks.${i}.gru.weight_ih_l0`) };
      }
      case 'transformer': {
        const [dModel, D] = this.matrix('input_proj.weight');
        const [feedForward] = this.matrix(`${LAYERS}.0.linear1.weight`);
        const numLayers = this.count((i) => `${LAYERS}.${i}.linear1.weight`);
        const heads = this.heads(dModel);
        return { type: 'transformer', T: this.T(), D, dModel, heads, numLayers, feedForward, dropout: this.dropout() };
      }
      case 'gram': {
        const { mixture } = this.hints;
        if (!mixture) throw bad(this.place, 'its settings tensors are missing');
        const T = this.names.get('position_weights')?.[0] ?? this.T();
        const [keys, D] = this.matrix('keys');
        const [hiddenDim] = this.matrix('gates.0.0.weight');
        const gates = this.count((i) => `gates.${i}.0.weight`);
        return { type: 'gram', T, D, hiddenDim, gates, keys, ...mixture, extras: this.extras(T) };
      }
    }
  }

  /** The trained models among the parts of a mixture. */
  private extras(T: number): GradientSpec[] {
    const extras: GradientSpec[] = [];
    while (extras.length < MOST_EXTRAS) {
      const prefix = extraPrefix(extras.length);
      const own = [...this.names].filter(([name]) => name.startsWith(prefix));
      if (own.length === 0) break;
      const shapes = new Map(own.map(([name, shape]) => [name.slice(prefix.length), shape]));
      const { spec, assumed } = inferModel(shapes, { T }, this.place);
      if (spec.type === 'gram') throw bad(this.place, 'a Gram mixture is a part of another');
      this.assumed.push(...assumed);
      extras.push(spec);
    }
    return extras;
  }

  private matrix(name: string): readonly [number, number] {
    const shape = this.names.get(name);
    if (shape?.length !== 2) throw bad(this.place, `${name} is ${shape ? `[${shape.join(', ')}]` : 'missing'}`);
    return [shape[0], shape[1]];
  }

  private count(name: (i: number) => string): number {
    let n = 0;
    while (this.names.has(name(n))) n++;
    return n;
  }

  private T(): number {
    const weights = this.names.get(CONTEXT_MEAN_WEIGHTS);
    if (weights?.length === 1) return weights[0];
    if (this.hints.T !== undefined) return this.hints.T;
    this.assumed.push(`The file does not say its context length; ${DEFAULT_T} is taken.`);
    return DEFAULT_T;
  }

  private dropout(): number {
    const fallback = defaultSpec(this.type, 1, 1);
    return this.hints.dropout ?? ('dropout' in fallback ? fallback.dropout : 0);
  }

  private heads(dModel: number): number {
    const heads = this.hints.heads ?? Math.max(1, Math.round(dModel / HEAD_WIDTH));
    if (this.hints.heads === undefined) {
      this.assumed.push(`The file does not say its number of attention heads; ${heads} are taken.`);
    }
    return heads;
  }
}

const LAYERS = 'transformer_decoder.layers';

function refuseDifferences(spec: ModelSpec, names: Shapes, place: string): void {
  const expected = parameterShapes(spec);
  const problems = expected.flatMap(({ name, shape }) => {
    const found = names.get(name);
    if (!found) return [`${name} is missing`];
    return found.join() === shape.join() ? [] : [`${name} is [${found.join(', ')}], expected [${shape.join(', ')}]`];
  });
  const known = new Set(expected.map(({ name }) => name));
  for (const name of names.keys())
    if (!known.has(name) && !BUFFERS.has(name)) problems.push(`${shortText(name)} is unknown`);
  if (problems.length === 0) return;
  const more = problems.length > 3 ? `, and ${problems.length - 3} more` : '';
  throw bad(place, `as ${spec.type} its tensors do not fit: ${problems.slice(0, 3).join('; ')}${more}`);
}

function bad(place: string, why: string): NextvecError {
  return new NextvecError('BAD_CHECKPOINT', `${place} holds no model that can be used here: ${why}.`, {
    remedy: 'Names and shapes must be those of the state_dict of AMN, LSTM, GRU stack, Transformer or Gram mixture.',
    details: { place },
  });
}
