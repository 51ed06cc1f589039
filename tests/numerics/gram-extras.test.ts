/** Trained models as parts of a Gram mixture: what the gates learn from, the same bits, the same weights. */
import { beforeAll, expect, test } from 'vitest';
import { extraTensors } from '#engine/gram/parts/extras.ts';
import { GramModel } from '#engine/gram/model.ts';
import type { GramState } from '#engine/gram/state.ts';
import { GramTrainer } from '#engine/gram/trainer.ts';
import type { ExtraPart, GramData } from '#engine/gram/types.ts';
import { createSimdEngine } from '#engine/simd/index.ts';
import { createRuntime, type SimdRuntime } from '#engine/simd/runtime/runtime.ts';
import { startParameters } from '#engine/start.ts';
import { Trainer } from '#engine/trainer/index.ts';
import type { EngineHost, NamedTensors } from '#engine/types.ts';
import type { GradientSpec } from '#shared/domain/models/models.ts';
import { lossConfig, optimizerConfig, RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { fingerprint, SMALL_CONFIG, smallGramData } from '../support/gram.ts';
import { simdHost } from '../support/simd-host.ts';

const plain = smallGramData();
const { T, D } = plain.source;
const AMN: GradientSpec = { type: 'amn', T, D, dModel: 16, hiddenDim: 128 };
/** Where the size is not the point. */
const SMALL_AMN: GradientSpec = { ...AMN, hiddenDim: 16 };
const LSTM: GradientSpec = { type: 'lstm', T, D, hiddenDim: 8, numLayers: 1, dropout: 0.1, inputs: 'relative' };
/** Enough epochs to know the training windows by heart. */
const OVERFITTED = RecipeSchema.parse({ dataset: '-', epochs: 20, lr: 3e-3, weightDecay: 0, lambda: { info_nce: 0 } });
const SHORT = RecipeSchema.parse({ dataset: '-', modelType: 'lstm', inputs: 'relative', epochs: 1 });
/** Two epochs: the first sets the gates up, the next goes on from a state. */
const CONFIG = { ...SMALL_CONFIG, gate: { ...SMALL_CONFIG.gate, epochs: 2 } };

let host: EngineHost;
const runtimeFor = (threads: number): Promise<SimdRuntime> => createRuntime({ host, threads });

beforeAll(async () => {
  host = await simdHost();
});

/** The model after its last epoch. */
async function trained(spec: GradientSpec, recipe: Recipe): Promise<ExtraPart> {
  const engine = await createSimdEngine({ host, threads: 1 });
  const { source, train: ids, validation } = plain;
  const train = { source, ids };
  const { epochs, batchSize, lr, schedule, earlyStopping, seed, start } = recipe;
  const loss = lossConfig(recipe, D);
  const optimizer = optimizerConfig(recipe);
  const parameters = startParameters(start, spec, seed, train);
  const model = await engine.createModel({ spec, loss, optimizer, seed, parameters, maxBatch: batchSize });
  const settings = { epochs, batchSize, lr, schedule, earlyStopping, loss, seed };
  const hooks = { onEvent: () => undefined };
  await new Trainer({
    model,
    train,
    validation: { source, ids: validation },
    settings,
    baselines: {},
    hooks,
  }).run();
  const part = { spec, recipe, parameters: new Map(await model.readParameters()) };
  await engine.dispose();
  return part;
}

/** An AMN and an LSTM, trained once and shared by tests. */
let parts: Promise<ExtraPart[]> | null = null;
function smallParts(): Promise<ExtraPart[]> {
  parts ??= Promise.all([trained(SMALL_AMN, { ...OVERFITTED, epochs: 2 }), trained(LSTM, SHORT)]);
  return parts;
}

interface Fitted {
  readonly states: readonly GramState[];
  readonly parameters: NamedTensors;
  readonly raw: Float32Array;
}

async function fit(runtime: SimdRuntime, data: GramData, state?: GramState): Promise<Fitted> {
  const trainer = await GramTrainer.create(runtime, { data, config: CONFIG, seed: 7, state });
  const states: GramState[] = [];
  while (!trainer.isDone) {
    await trainer.step();
    states.push(trainer.state);
  }
  const model = await trainer.model();
  const { raw } = await model.predict(validationContexts(), plain.validation.length);
  const parameters = new Map([...model.parameters()].map(([name, tensor]) => [name, tensor.slice()]));
  await trainer.dispose();
  return { states, parameters, raw };
}

function validationContexts(): Float32Array {
  const { source, validation } = plain;
  const contexts = new Float32Array(validation.length * T * D);
  source.gather(validation, contexts, new Float32Array(validation.length * D));
  return contexts;
}

/** Mean ⟨c, y⟩ of the last part over a set of a state. */
function lastPartCosine(state: GramState, set: string, K: number): number {
  const products = state.arrays.get(`${set}.target`)!;
  const own = Array.from({ length: products.length / K }, (_, row) => products[row * K + K - 1]);
  return own.reduce((sum, value) => sum + value, 0) / own.length;
}

test('gates learn from predictions for windows that the part was not trained on', async () => {
  const extras = [await trained(AMN, OVERFITTED)];
  const config = { ...CONFIG, turnedWindows: 0 };
  const { source, train } = plain;
  // The training windows as the OOD set: there the part itself is measured on what it was trained on.
  const data = { ...plain, extras, ood: { source, ids: train } };
  const trainer = await GramTrainer.create(await runtimeFor(1), { data, config, seed: 7 });
  while (trainer.stage !== 'gates') await trainer.step();
  const [seen, held, gates] = ['ood', 'validation', 'gateData'].map((set) =>
    lastPartCosine(trainer.state, set, trainer.parts.length),
  );
  await trainer.dispose();
  expect(seen - held).toBeGreaterThan(0.02);
  expect(seen - gates).toBeGreaterThan(0.02);
});

test('the same bits on one, two and three threads, and from the state after any step', async () => {
  const extras = await smallParts();
  const data = { ...plain, extras };
  const whole = await fit(await runtimeFor(2), data);
  for (const threads of [1, 3]) {
    const other = await fit(await runtimeFor(threads), data);
    expect(fingerprint(other.states.at(-1)!)).toEqual(fingerprint(whole.states.at(-1)!));
    expect(other.raw).toEqual(whole.raw);
  }
  // Each state leads to the next one, so a run resumed from any of them ends as the whole one does.
  const runtime = await runtimeFor(1);
  for (const [i, state] of whole.states.slice(0, -1).entries()) {
    const resumed = await GramTrainer.create(runtime, { data, config: CONFIG, seed: 7, state });
    await resumed.step();
    expect(fingerprint(resumed.state)).toEqual(fingerprint(whole.states[i + 1]));
    await resumed.dispose();
  }
  const last = await fit(runtime, data, whole.states.at(-1));
  expect(last.parameters).toEqual(whole.parameters);
  expect(last.raw).toEqual(whole.raw);
});

test('a mixture opened from its tensors holds the models and predicts the same bits', async () => {
  const extras = await smallParts();
  const runtime = await runtimeFor(1);
  const trainer = await GramTrainer.create(runtime, { data: { ...plain, extras }, config: CONFIG, seed: 7 });
  expect(trainer.parts.slice(-2).map(({ name }) => name)).toEqual(['AMN', 'LSTM']);
  while (!trainer.isDone) await trainer.step();
  const model = await trainer.model();
  const opened = await GramModel.open(runtime, model.spec, model.parameters());
  const contexts = validationContexts();
  const B = plain.validation.length;
  expect(await opened.predict(contexts, B)).toEqual(await model.predict(contexts, B));
  expect(extraTensors(model.spec, model.parameters())).toEqual(extras.map(({ parameters }) => parameters));
  await Promise.all([trainer.dispose(), opened.dispose()]);
});

test('a stop while a part is trained anew leaves the state unchanged', async () => {
  const extras = (await smallParts()).slice(0, 1);
  const trainer = await GramTrainer.create(await runtimeFor(1), {
    data: { ...plain, extras },
    config: CONFIG,
    seed: 7,
  });
  while (trainer.stage !== 'cross-fit') await trainer.step();
  const { state } = trainer;
  const stop = new Error('stop');
  // The first half of the first third finds the keys, the second trains the part.
  const isTraining = (fraction: number) => fraction > 1 / 6 && fraction <= 1 / 3;
  await expect(trainer.step((fraction) => (isTraining(fraction) ? Promise.reject(stop) : undefined))).rejects.toBe(
    stop,
  );
  expect(trainer.state).toBe(state);
  await trainer.step();
  expect(trainer.state.step).toBe(state.step + 1);
  await trainer.dispose();
});
