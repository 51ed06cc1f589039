/**
 * The attention shown for a Transformer: last layer, last step to context, mean over heads. Compared
 * with a plain computation with constant queries, so that earlier layers have no effect.
 */
import { expect, test } from 'vitest';
import type { TransformerSpec } from '#shared/domain/models/models.ts';
import { initialParameters } from '#engine/init.ts';
import { positionTable } from '#engine/positions.ts';
import { Random } from '#engine/random.ts';
import type { NamedTensors } from '#engine/types.ts';
import { smallModel } from '../support/training.ts';

const [B, T, D, H, HEADS] = [3, 5, 12, 8, 2];
const SPEC: TransformerSpec = {
  type: 'transformer',
  T,
  D,
  dModel: H,
  heads: HEADS,
  numLayers: 2,
  feedForward: 16,
  dropout: 0.3,
};
const LAST = 'transformer_decoder.layers.1.multihead_attn';

const random = new Random(9);
const contexts = Float32Array.from({ length: B * T * D }, () => random.normal());

/** Parameters whose last cross-attention has constant queries. */
function constantQueries(): NamedTensors {
  const parameters = initialParameters(SPEC, 4);
  const weight = parameters.get(`${LAST}.in_proj_weight`)!;
  weight.fill(0, 0, H * H);
  const bias = parameters.get(`${LAST}.in_proj_bias`)!;
  for (let i = 0; i < 2 * H; i++) bias[i] = 2 * random.normal();
  return parameters;
}

/** y = W x + b of rows [from, from + H) of W [.., n]. */
function linear(W: Float32Array, b: Float32Array, x: readonly number[], from = 0): number[] {
  return Array.from({ length: H }, (_, i) =>
    x.reduce((sum, value, j) => sum + W[(from + i) * x.length + j] * value, b[from + i]),
  );
}

function plain(parameters: NamedTensors, row: number): number[] {
  const at = (name: string) => parameters.get(name)!;
  const positions = positionTable(T, H);
  const queries = at(`${LAST}.in_proj_bias`);
  const keys = Array.from({ length: T }, (_, t) => {
    const x = Array.from(contexts.subarray((row * T + t) * D, (row * T + t + 1) * D));
    const memory = linear(at('input_proj.weight'), at('input_proj.bias'), x).map((v, i) => v + positions[t * H + i]);
    return linear(at(`${LAST}.in_proj_weight`), at(`${LAST}.in_proj_bias`), memory, H);
  });
  const S = H / HEADS;
  const heads = Array.from({ length: HEADS }, (_, n) => {
    const powers = keys.map((key) => {
      let score = 0;
      for (let i = n * S; i < (n + 1) * S; i++) score += queries[i] * key[i];
      return Math.exp(score / Math.sqrt(S));
    });
    const total = powers.reduce((sum, value) => sum + value, 0);
    return powers.map((value) => value / total);
  });
  return Array.from({ length: T }, (_, t) => heads.reduce((sum, shares) => sum + shares[t], 0) / HEADS);
}

test('matches a plain computation', async () => {
  const parameters = constantQueries();
  const model = await smallModel(SPEC);
  await model.writeParameters(parameters);
  const { attention } = await model.predict(contexts, B);
  for (let row = 0; row < B; row++) {
    const expected = plain(parameters, row);
    // Must not be uniform, else the mean over heads would prove nothing.
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.05);
    expected.forEach((share, t) => expect(attention![row * T + t]).toBeCloseTo(share, 5));
  }
  model.dispose();
});

test('sums to one with initial weights', async () => {
  const model = await smallModel(SPEC);
  const { attention } = await model.predict(contexts, B);
  for (let row = 0; row < B; row++) {
    const shares = attention!.subarray(row * T, (row + 1) * T);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  }
  model.dispose();
});
