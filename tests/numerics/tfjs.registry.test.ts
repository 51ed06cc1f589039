/** Availability with reasons, opening by name, and choosing by measurement. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { defaultGradientSpec } from '#shared/domain/models/models.ts';
import { chooseEngine, engineAvailability, measureSpeed, openEngine, type Workload } from '#engine/registry.ts';
import { ENGINE_NAMES, type Engine } from '#engine/types.ts';
import { testHost } from '../support/host.ts';
import { AMN, LOSS } from '../support/training.ts';

const workload: Workload = {
  spec: AMN,
  loss: LOSS,
  optimizer: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, clip: 1 },
  batchSize: 16,
};

test('lists every engine once, with the reason when unavailable', async () => {
  const engines = await engineAvailability(testHost);
  expect(engines.map((engine) => engine.name)).toEqual([...ENGINE_NAMES]);
  const byName = new Map(engines.map((engine) => [engine.name, engine]));
  expect(byName.get('cpu')).toEqual({ name: 'cpu', available: true, reason: '' });
  expect(byName.get('wasm')).toEqual({ name: 'wasm', available: true, reason: '' });
  const missing = engines.filter((engine) => !engine.available);
  expect(missing.filter(({ reason }) => reason.length < 10)).toEqual([]);
});

test('auto measures the candidates and skips and names one that fails to open', async () => {
  const { engine, measured, note } = await chooseEngine('auto', testHost, workload, { seconds: 0.1 });
  expect(measured.map((speed) => speed.engine)).toEqual(['wasm']);
  expect(measured[0].rowsPerSecond).toBeCloseTo((16 * 1000) / measured[0].msPerStep, 6);
  expect(engine.info.name).toBe('wasm');
  expect(note).toMatch(/^wasm, .*simd failed: no resource wasm\/kernels/);
  await engine.dispose();
});

test('a named engine is used without measuring', async () => {
  const { engine, measured, note } = await chooseEngine('cpu', testHost, workload);
  expect([engine.info.name, measured, note]).toEqual(['cpu', [], 'cpu, as asked']);
});

test('stops measuring an engine slower on two rows than the best on a full batch', async () => {
  const engine = await openEngine('cpu', testHost);
  const spec = defaultGradientSpec('amn', 5, 64);
  const speed = await measureSpeed(engine, { ...workload, spec }, 5, 0.001);
  expect(speed).toMatchObject({ engine: 'cpu', batch: 16, steps: 1 });
});

test.each([
  // 0.2 s of 16 ms a step, then 0.8 s more.
  { best: 4, steps: 13 },
  { best: 10, steps: 50 },
])('an engine of 16 ms a step is timed for $steps steps where the best takes $best ms', async ({ best, steps }) => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const trainStep = async ({ ids }: { ids: Uint32Array }) => void vi.advanceTimersByTime(ids.length);
  const createModel = async () => ({ trainStep, dispose: () => undefined });
  const engine = { info: { name: 'wasm', threads: 1, variant: '' }, createModel } as unknown as Engine;
  expect(await measureSpeed(engine, workload, 1, best)).toMatchObject({ msPerStep: 16, steps });
});

test('loading tensorflow restores the util functions tfjs-node needs, or gives the reason it is missing', async () => {
  const tensorflow = (await engineAvailability(testHost)).find((engine) => engine.name === 'tensorflow');
  expect(tensorflow?.available).toBe(tensorflow?.reason === '');
  const util = process.getBuiltinModule('node:util') as unknown as Record<string, (value: unknown) => boolean>;
  expect([util.isNullOrUndefined(null), util.isNullOrUndefined(0), util.isString('')]).toEqual([true, false, true]);
});
