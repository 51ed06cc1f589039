/** Runs with relative and centred inputs: exported, imported and used as warm starts, all with one forward pass. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { INPUT_SHIFTS } from '#shared/domain/models/models.ts';
import { CONTEXT_MEAN_WEIGHTS, CORPUS_MEAN } from '#shared/domain/models/shapes.ts';
import type { RunSummary } from '#shared/contract/runs.ts';
import type { Nextvec } from '../../../src/main/nextvec.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../src/main/formats/safetensors.ts';
import { readModelWeights } from '../../../src/main/weights/model-weights.ts';
import { followTo, importChunks, testHome, type TestHome } from '../../support/nextvec.ts';
import { largestOnnxError } from '../../support/onnx.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const CONSTANT = { relative: CONTEXT_MEAN_WEIGHTS, centred: CORPUS_MEAN };
const SMALL = { sizes: { dModel: 8, hiddenDim: 16 }, epochs: 1, engine: 'simd', threads: 1 } as const;

let home: TestHome;
let nextvec: Nextvec;
let dataset: string;
beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  dataset = await importChunks(nextvec.client, join(home.path, 'walks.npz'), {
    articles: 16,
    chunksPerArticle: 12,
    D: 24,
  });
});
afterAll(() => home.dispose());

async function exported(runId: string, format: 'safetensors' | 'onnx' | 'golden'): Promise<Uint8Array> {
  const { path } = await nextvec.client.runs.export({ runId, format });
  return readFile(path!);
}

async function trained(recipe: object): Promise<RunSummary> {
  const { runId } = await nextvec.client.runs.start({ recipe: { dataset, ...SMALL, ...recipe } });
  return followTo(nextvec.client, runId, 'finished');
}

/** A run for each kind of inputs, trained once. */
const runs = new Map<string, Promise<RunSummary>>();
function runWith(inputs: (typeof INPUT_SHIFTS)[number]): Promise<RunSummary> {
  const run = runs.get(inputs) ?? trained({ inputs });
  runs.set(inputs, run);
  return run;
}

it.each(INPUT_SHIFTS)('%s: export, import and warm start keep the forward pass', async (inputs) => {
  const { client } = nextvec;
  const run = await runWith(inputs);
  const golden = await exported(run.id, 'golden');
  expect(await largestOnnxError(await exported(run.id, 'onnx'), golden)).toBeLessThan(1e-5);

  const weights = await exported(run.id, 'safetensors');
  expect([...decodeSafetensors(weights, 'weights').tensors.keys()]).toContain(CONSTANT[inputs]);
  const path = join(home.path, `${inputs}.safetensors`);
  await writeFile(path, weights);
  const { runId } = await client.runs.importRun({ path, dataset });
  const { run: imported } = await client.runs.get({ runId });
  expect(imported.recipe.inputs).toBe(inputs);
  expect(imported.best!.valCosine).toBeCloseTo(run.best!.valCosine, 5);

  const { recipe } = await trained({ inputs, initFrom: runId });
  expect(recipe.initFrom).toBe(runId);
  const refused = { dataset, ...SMALL, initFrom: runId };
  const { runId: absolute } = await client.runs.start({ recipe: refused });
  const { reason } = await followTo(client, absolute, 'failed');
  expect(reason).toMatch(/cannot start this run.*inputs/s);
});

it('refuses a weighted mean of the context', async () => {
  const run = await runWith('relative');
  const { tensors } = decodeSafetensors(await exported(run.id, 'safetensors'), 'weights');
  tensors.get(CONTEXT_MEAN_WEIGHTS)!.data.set([0.5], 0);
  const path = join(home.path, 'weighted.safetensors');
  await writeFile(path, encodeSafetensors(tensors));
  await expect(readModelWeights(path)).rejects.toThrow('context_mean_weights are not all 1/5');
});
