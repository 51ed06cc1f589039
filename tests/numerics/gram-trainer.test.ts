/** Training a Gram mixture: the same bits on any number of threads and through a stop after any step. */
import { beforeAll, expect, test } from 'vitest';
import type { GramConfig } from '#engine/gram/config.ts';
import { GramModel } from '#engine/gram/model.ts';
import { GramTrainer } from '#engine/gram/trainer.ts';
import type { GramData } from '#engine/gram/types.ts';
import type { GramState } from '#engine/gram/state.ts';
import { createRuntime, type SimdRuntime } from '#engine/simd/runtime/runtime.ts';
import type { EngineHost, NamedTensors } from '#engine/types.ts';
import { fingerprint, SMALL_CONFIG, smallGramData } from '../support/gram.ts';
import { simdHost } from '../support/simd-host.ts';

const data = smallGramData();
/** Of the validation windows, [B, T, D] and [B, D]. */
const CONTEXTS = new Float32Array(data.validation.length * data.source.T * data.source.D);
const TARGETS = new Float32Array(data.validation.length * data.source.D);
data.source.gather(data.validation, CONTEXTS, TARGETS);
let host: EngineHost;
const runtimeFor = (threads: number): Promise<SimdRuntime> => createRuntime({ host, threads });

beforeAll(async () => {
  host = await simdHost();
});

interface Training {
  readonly state: GramState;
  readonly raw: Float32Array;
  readonly predicted: unknown;
  readonly epochs: GramTrainer['epochs'];
  readonly spec: GramModel['spec'];
  readonly parameters: NamedTensors;
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
  const model = await trainer.model();
  const predicted = await model.predict(CONTEXTS, data.validation.length);
  const parts = trainer.parts.map(({ name }) => name);
  const parameters = new Map(Array.from(model.parameters(), ([name, tensor]) => [name, tensor.slice()]));
  await trainer.dispose();
  const { state, epochs } = trainer;
  return { state, raw: predicted.raw, predicted, epochs, spec: model.spec, parameters, parts, states };
}

/** On one thread, made once and shared by tests. */
let whole: Promise<Training> | null = null;
async function wholeTraining(): Promise<Training> {
  whole ??= runtimeFor(1).then((runtime) => train(runtime));
  return whole;
}

test('gates learn, and predict gives the mixture that the trainer evaluated', async () => {
  const { epochs, raw } = await wholeTraining();
  expect(epochs).toHaveLength(SMALL_CONFIG.gate.epochs);
  expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0].loss);
  const { source, validation } = data;
  const cosines = Array.from(validation, (_, row) => {
    const [a, b] = [raw, TARGETS].map((of) => of.subarray(row * source.D, (row + 1) * source.D));
    return a.reduce((sum, value, d) => sum + value * b[d], 0) / Math.hypot(...a) / Math.hypot(...b);
  });
  const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
  expect(mean).toBeCloseTo(epochs.at(-1)!.validationCosine, 5);
});

test('one, two and three threads train to the same bits', async () => {
  const one = await wholeTraining();
  for (const threads of [2, 3]) {
    const other = await train(await runtimeFor(threads));
    expect(fingerprint(other.state)).toEqual(fingerprint(one.state));
    expect(other.raw).toEqual(one.raw);
  }
});

test('training stopped after any step resumes bit for bit', async () => {
  const runtime = await runtimeFor(1);
  const { states, state: end, raw } = await wholeTraining();
  // Each state leads to the next one, so a training resumed from any of them ends as the whole one does.
  for (const [i, state] of states.slice(0, -1).entries()) {
    const resumed = await GramTrainer.create(runtime, { data, config: SMALL_CONFIG, seed: 7, state });
    await resumed.step();
    expect(fingerprint(resumed.state)).toEqual(fingerprint(states[i + 1]));
    await resumed.dispose();
  }
  const last = await train(runtime, { state: end });
  expect(last.raw).toEqual(raw);
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
  const { spec, parameters, predicted } = await wholeTraining();
  const opened = await GramModel.open(runtime, spec, parameters);
  expect(await opened.predict(CONTEXTS, data.validation.length)).toEqual(predicted);
  await opened.dispose();
});

test('refuses too few articles, with a remedy', async () => {
  const few = { ...data, articles: data.articles.map((article) => article % 7) };
  const trainer = await GramTrainer.create(await runtimeFor(1), { data: few, config: SMALL_CONFIG, seed: 7 });
  await expect(trainer.step()).rejects.toThrow(/7 articles .* at least 8/);
  await trainer.dispose();
});
