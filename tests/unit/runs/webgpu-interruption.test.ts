/**
 * A run on the webgpu engine whose GPU is lost, whose machine then has none, whose trainer is killed: interrupted each time,
 * and in the end the bytes of an undisturbed run. bench/gpu-rounds.ts does it with every kind of fault and all models.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findsAdapter } from '../../../scripts/software-adapter.mjs';
import { BREAKABLE, breakGpu, faultEnvironment, gpuFault } from '../../support/kill/gpu-faults.ts';
import { trainReference, type Reference } from '../../support/kill/reference.ts';
import { KILL, killTrainer } from '../../support/kill/rounds.ts';
import { followTo, testHome, type TestHome } from '../../support/nextvec.ts';

// A software adapter on a loaded machine is slow.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** Only the trainers load the GPU. CI must have one. */
const hasAdapter = Boolean(process.env.NEXTVEC_REQUIRE_WEBGPU) || findsAdapter();

describe.runIf(hasAdapter)('a run on the webgpu engine', () => {
  let home: TestHome;
  let reference: Reference;

  beforeAll(async () => {
    home = await testHome({ entries: BREAKABLE });
    for (const [name, value] of Object.entries(faultEnvironment(home))) vi.stubEnv(name, value);
    reference = await trainReference(home, 'webgpu-amn', { epochs: 2, batchSize: 16 });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await home.dispose();
  });

  it('goes on to the same bytes after a lost device, a start without an adapter and kill -9', async () => {
    const report = await killTrainer({ home, reference, rounds: 2, seed: 3, ...BREAKABLE }, [
      gpuFault(home, 'lost'),
      KILL,
    ]);
    expect(report).toMatchObject({ kills: 2 });
    expect(report.runsFinished).toBeGreaterThan(0);
  });

  it('is refused before its first step where the GPU computes other gradients than simd', async () => {
    const { client } = await home.open();
    const reason = breakGpu(home, 'wrong');
    const { runId } = await client.runs.start({ recipe: reference.recipe });
    const run = await followTo(client, runId, 'failed');
    expect(run).toMatchObject({ step: 0, reason: expect.stringMatching(reason) });
  });
});
