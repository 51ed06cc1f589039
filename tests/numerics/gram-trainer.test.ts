/** Training a Gram mixture: the same bits on any number of threads and through a stop after any step. */
import { beforeAll, expect, test } from 'vitest';
import type { GramConfig } from '#engine/gram/config.ts';
import { GramModel } from '#engine/gram/model.ts';
import { GramTrainer } from '#engine/gram/trainer.ts';
import type { GramData } from '#engine/gram/types.ts';
import type { GramState } from '#engine/gram/state.ts';
import { createRuntime, type SimdRuntime } from '#engine/simd/runtime.ts';
import type { EngineHost } from '#engine/types.ts';
import { fingerprint, SMALL_CONFIG, smallGramData } from '../support/gram.ts';
import { simdHost } from '../support/simd-host.ts';

const data = smallGramData();
let host: EngineHost;
const runtimeFor = (threads: number): Promise<SimdRuntime> => createRuntime({ host, threads });

beforeAll(async () => {
  host = await simdHost();
});

interface Training {
  readonly state: GramState;
  readonly raw: Float32Array;
  readonly coefficients: Float32Array;
  readonly parts: readonly string[];
  readonly states: readonly GramState[];
}

async function train(
  runtime: SimdRuntime,
  options: { config?: GramConfig; data?: GramData; state?: GramState } = {},
): Promise<Training> {
  const trainer = await GramTrainer.create(runtime, { data, config: SMALL_CONFIG, seed: 7, ...options });
  const states: GramState[] = [];
  while (!trainer.isDone) {
    await trainer.step();
    states.push(trainer.state);
  }
  const { source, validation } = data;
  const contexts = new Float32Array(validation.length * source.T * source.D);
  source.gather(validation, contexts, new Float32Array(validation.length * source.D));
  const { raw, mixture } = await (await trainer.model()).predict(contexts, validation.length);
  const { coefficients } = mixture;
  const parts = trainer.parts.map(({ name }) => name);
  await trainer.dispose();
  return { state: trainer.state, raw, coefficients, parts, states };
}

test('gates learn, and predict gives the mixture that the trainer evaluated', async () => {
  const runtime = await runtimeFor(1);
  const trainer = await GramTrainer.create(runtime, { data, config: SMALL_CONFIG, seed: 7 });
  while (!trainer.isDone) await trainer.step();
  const { epochs } = trainer;
  expect(epochs).toHaveLength(SMALL_CONFIG.gate.epochs);
  expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0].loss);
  const { source, validation } = data;
  const contexts = new Float32Array(validation.length * source.T * source.D);
  const targets = new Float32Array(validation.length * source.D);
  source.gather(validation, contexts, targets);
  const { raw } = await (await trainer.model()).predict(contexts, validation.length);
  await trainer.dispose();
  const cosines = Array.from(validation, (_, row) => {
    const [a, b] = [raw, targets].map((of) => of.subarray(row * source.D, (row + 1) * source.D));
    return a.reduce((sum, value, d) => sum + value * b[d], 0) / Math.hypot(...a) / Math.hypot(...b);
  });
  const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  expect(mean).toBeCloseTo(epochs.at(-1)!.validationCosine, 5);
});

test('one, two and three threads train to the same bits', async () => {
  const one = await train(await runtimeFor(1));
  for (const threads of [2, 3]) {
    const other = await train(await runtimeFor(threads));
    expect(fingerprint(other.state)).toEqual(fingerprint(one.state));
    expect(other.raw).toEqual(one.raw);
  }
});

test('training stopped after any step resumes bit for bit', async () => {
  const runtime = await runtimeFor(1);
  const whole = await train(runtime);
  // Each state leads to the next one, so a training resumed from any of them ends as the whole one does.
  for (const [i, state] of whole.states.slice(0, -1).entries()) {
    const resumed = await GramTrainer.create(runtime, { data, config: SMALL_CONFIG, seed: 7, state });
    await resumed.step();
    expect(fingerprint(resumed.state)).toEqual(fingerprint(whole.states[i + 1]));
    await resumed.dispose();
  }
  const last = await train(runtime, { state: whole.state });
  expect(last.raw).toEqual(whole.raw);
});

test('an aborted step leaves the state unchanged', async () => {
  const trainer = await GramTrainer.create(await runtimeFor(1), { data, config: SMALL_CONFIG, seed: 7 });
  const stop = new Error('stop');
  while (!trainer.isDone) {
    const { state } = trainer;
    const before = fingerprint(state);
    await expect(trainer.step(() => Promise.reject(stop))).rejects.toBe(stop);
    expect(trainer.state).toBe(state);
    expect(fingerprint(state)).toEqual(before);
    await trainer.step();
  }
  await trainer.dispose();
});

test('without neighbours, filters and turned windows', async () => {
  const runtime = await runtimeFor(1);
  const plain = await train(runtime, { config: { ...SMALL_CONFIG, neighbours: [], filters: [], turnedWindows: 0 } });
  expect(plain.parts.some((name) => /neighbours|filtered/.test(name))).toBe(false);
});

test('a mixture opened from its tensors predicts the same bits', async () => {
  const runtime = await runtimeFor(1);
  const trainer = await GramTrainer.create(runtime, { data, config: SMALL_CONFIG, seed: 7 });
  while (!trainer.isDone) await trainer.step();
  const model = await trainer.model();
  const { T, D } = data.source;
  const opened = await GramModel.open(runtime, model.spec, model.parameters());
  const contexts = new Float32Array(data.validation.length * T * D);
  data.source.gather(data.validation, contexts, new Float32Array(data.validation.length * D));
  const expected = await model.predict(contexts, data.validation.length);
  expect(await opened.predict(contexts, data.validation.length)).toEqual(expected);
  await Promise.all([trainer.dispose(), opened.dispose()]);
});

test('refuses too few articles, with a remedy', async () => {
  const few = { ...data, articles: data.articles.map((article) => article % 7) };
  const trainer = await GramTrainer.create(await runtimeFor(1), { data: few, config: SMALL_CONFIG, seed: 7 });
  await expect(trainer.step()).rejects.toThrow(/7 articles .* at least 8/);
  await trainer.dispose();
});
