/**
 * The forward pass of a Gram mixture (`engine/gram`) as part of a graph. B contexts, T context length, D width, K parts,
 * M = K(K + 1)/2 features, N keys.
 */
import { extraPrefix, listParts, type GramSpec, type Part } from '#shared/domain/models/gram.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { CLIP, REACH } from '../gram/gate/gate.ts';
import type { Value } from './graph.ts';
import type { GraphLayers } from './layers.ts';

/** Smallest norm that a vector or a key is divided by, as in the kernels. */
const MIN_NORM = 1e-8;

/** Unit predictions [B, D] of a trained model among the parts, whose weights are those of the builder's prefix. */
type ExtraGraph = (spec: GradientSpec, x: Value) => Value;

/** x [B, T, D] → raw [B, D] and the coefficients of the parts [B, K]. */
export function gramOutputs(
  layers: GraphLayers,
  spec: GramSpec,
  x: Value,
  extraGraph: ExtraGraph,
): { raw: Value; coefficients: Value } {
  const { builder } = layers;
  const extras = spec.extras.map((extra, i) => builder.within(extraPrefix(i), () => extraGraph(extra, x)));
  const parts = partsOf(layers, spec, layers.unit(x, 'min_vector_norm', MIN_NORM), extras);
  const K = parts.length;
  const stacked = builder.concat(
    parts.map((part) => builder.reshape(part, [-1, 1, spec.D])),
    1,
  );
  const gram = builder.matmul(stacked, stacked, true);
  const coefficients = coefficientsOf(layers, spec, upperTriangle(layers, gram, K));
  const raw = builder.matmul(builder.reshape(coefficients, [-1, 1, K]), stacked);
  return { raw: builder.reshape(raw, [-1, spec.D]), coefficients };
}

/** The K parts [B, D] of unit vectors x [B, T, D]. */
function partsOf(layers: GraphLayers, spec: GramSpec, x: Value, extras: readonly Value[]): Value[] {
  const { builder } = layers;
  const { T } = spec;
  const steps = layers.steps(x, T);
  const last = steps[T - 1];
  const weights = builder.reshape(layers.weight('position_weights'), [T, 1]);
  const skip = builder.reduce('sum', builder.binary('mul', x, weights), 1);
  const pooled = builder.concat([skip, last], 1);
  const mean = layers.weight('mean');
  const neighbours = spec.neighbours.length === 0 ? [] : neighbourMeans(layers, spec, skip);
  const map = (name: string, index: number, of: Value): Value =>
    builder.matmul(of, layers.weight(`${name}.${index}.weight`), true);
  const partOf = ({ kind, index }: Part): Value => {
    switch (kind) {
      case 'context':
        return steps[index];
      case 'mean': {
        // 0·p + μ: μ for each context.
        const zeros = builder.binary('mul', skip, builder.scalar('zero', 0));
        return builder.binary('add', zeros, mean);
      }
      case 'ridge':
        return map('ridges', index, skip);
      case 'pooledRidge':
        return map('pooled_ridges', index, pooled);
      case 'neighbours':
        return neighbours[index];
      case 'filteredSkip':
        return map('filters', index, skip);
      case 'filteredLast':
        return map('filters', index, last);
      case 'extra':
        return extras[index];
    }
  };
  return listParts(spec, T).map(partOf);
}

/** Softmax means over the targets of the nearest keys, one [B, D] for each of the spec's `neighbours`. */
function neighbourMeans(layers: GraphLayers, { D, keys, neighbours }: GramSpec, skip: Value): Value[] {
  const { builder } = layers;
  const mean = layers.weight('mean');
  const square = layers.valuesOf('mean').reduce((sum, value) => sum + value ** 2, 0);
  const along = builder.reduce('sum', builder.binary('mul', skip, mean), 1, true);
  const share = builder.binary('div', along, builder.scalar('mean_square', Math.max(square, 1e-30)));
  const query = layers.unit(
    builder.binary('sub', skip, builder.binary('mul', share, mean)),
    'min_vector_norm',
    MIN_NORM,
  );
  const similarities = builder.matmul(query, layers.weight('keys'), true);
  const listed = Math.min(Math.max(...neighbours.map(({ count }) => count)), keys);
  const { values, positions } = builder.topK(similarities, listed);
  const targets = builder.gather(layers.weight('values'), positions);
  return neighbours.map(({ count, tau }, i) => {
    const use = Math.min(count, listed);
    const scores = builder.binary('div', builder.slice(values, 1, 0, use), builder.scalar(`tau_${i}`, tau));
    const shares = builder.reshape(builder.unary('softmax', scores), [-1, 1, use]);
    return builder.reshape(builder.matmul(shares, builder.slice(targets, 1, 0, use)), [-1, D]);
  });
}

/** [B, K, K] → [B, M], row by row. */
function upperTriangle({ builder }: GraphLayers, gram: Value, K: number): Value {
  const flat = builder.reshape(gram, [-1, K * K]);
  return builder.concat(
    Array.from({ length: K }, (_, k) => builder.slice(flat, 1, k * K + k, (k + 1) * K)),
    1,
  );
}

/** Features [B, M] → coefficients [B, K], averaged over the gates. */
function coefficientsOf(layers: GraphLayers, spec: GramSpec, features: Value): Value {
  const { builder } = layers;
  const std = layers.valuesOf('gate_std');
  // A constant feature has the standard deviation Infinity, which not every runtime divides by.
  const inverse = builder.constant(
    'gate_inverse_std',
    [std.length],
    std.map((value) => 1 / value),
  );
  const standard = builder.binary('mul', builder.binary('sub', features, layers.weight('gate_mean')), inverse);
  const below = builder.binary('minimum', standard, builder.scalar('clip', CLIP));
  const z = builder.binary('maximum', below, builder.scalar('negative_clip', -CLIP));
  const outputs = Array.from({ length: spec.gates }, (_, g) =>
    layers.linear(`gates.${g}.2`, layers.gelu(layers.linear(`gates.${g}.0`, z))),
  );
  const sum = outputs.reduce((a, b) => builder.binary('add', a, b));
  const reach = builder.binary('mul', layers.weight('scale'), builder.scalar('reach', REACH / spec.gates));
  return builder.binary('add', builder.binary('mul', sum, reach), layers.weight('start'));
}
