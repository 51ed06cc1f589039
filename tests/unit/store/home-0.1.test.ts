/** A storage folder of version 0.1 under the current program. `fixtures/home-0.1/make_home.ts` made it. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { StepColumn } from '#shared/domain/runs/training.ts';
import { followTo, testHome, type TestHome } from '../../support/nextvec.ts';

const FIXTURE = 'tests/fixtures/home-0.1';
const COLUMNS: StepColumn[] = ['total', 'gradNorm', 'cosine', 'value/mse', 'gradShare/info_nce'];

interface ExpectedRun {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly steps: number;
  readonly variant: string;
  readonly epochs: readonly { readonly values: Readonly<Record<string, number | null>> }[];
  readonly checkpoints: Readonly<Record<string, string>>;
}
type Expected = Readonly<Record<'stored' | 'resumed', readonly ExpectedRun[]>>;

const { stored, resumed } = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8')) as Expected;

let home: TestHome;
let client: NextvecClient;

beforeAll(async () => {
  home = await testHome();
  const folder = join(home.path, 'home');
  cpSync(join(FIXTURE, 'home'), folder, { recursive: true });
  writeFileSync(join(folder, 'nextvec.db'), gunzipSync(readFileSync(join(folder, 'nextvec.db.gz'))));
  rmSync(join(folder, 'nextvec.db.gz'));
  ({ client } = await home.open());
});
afterAll(() => home.dispose());

/** SHA-256 of the weights of each checkpoint, by kind. */
function checkpointHashes(runId: string): Record<string, string> {
  const folder = join(home.path, 'home/runs', runId);
  const hash = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name, 'model.safetensors')))
      .digest('hex');
  return Object.fromEntries(readdirSync(folder).map((name) => [name.split('-')[0], hash(name)]));
}

/** What the current program says of a run, in the form of expected.json; terms that version 0.1 lacked are left out. */
async function describeRun(runId: string): Promise<unknown> {
  const { run, epochs, gates } = await client.runs.get({ runId });
  const series = await client.runs.series({ runId, columns: COLUMNS, maxPoints: 20_000 });
  const hash = createHash('sha256').update(series.step);
  for (const column of COLUMNS) hash.update(series.mean[column]);
  const termsOf01 = Object.keys(stored[0].epochs[0].values);
  return {
    id: run.id,
    number: run.number,
    name: run.name,
    status: run.status,
    step: run.step,
    best: run.best,
    baselines: run.baselines,
    variant: run.engine?.variant,
    epochs: epochs.map(({ epoch, trainLoss, valCosine, oodCosine, lr, gradNorm, terms }) => {
      const figures: Readonly<Record<string, { value: number | null }>> = terms;
      const values = Object.fromEntries(termsOf01.map((term) => [term, figures[term].value]));
      return { epoch, trainLoss, valCosine, oodCosine, lr, gradNorm, values };
    }),
    gates: gates.length,
    steps: series.step.length,
    seriesSha256: hash.digest('hex'),
    checkpoints: checkpointHashes(runId),
  };
}

describe('a storage folder of version 0.1', () => {
  it('lists every run; a paused one of a dead process is interrupted', async () => {
    const runs = await client.runs.list();
    const statuses = runs.map(({ name, status }) => [name, status]).toSorted();
    const expected = stored.map(({ name, status }) => [name, status === 'paused' ? 'interrupted' : status]).toSorted();
    expect(statuses).toEqual(expected);
  });

  it.each(stored)('opens run $name with its epochs, series and checkpoints', async (run) => {
    const status = run.status === 'paused' ? 'interrupted' : run.status;
    expect(await describeRun(run.id)).toEqual({ ...run, status });
  });

  it('opens the sweep with its members and winner', async () => {
    const { plans } = await client.plans.queue();
    const sweep = await client.plans.sweep({ itemId: plans[0].items[0].id });
    expect(sweep.members.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
    expect(sweep.winner).not.toBeNull();
  });

  it('compares the finished run with an interrupted one', async () => {
    const comparison = await client.evaluation.compareRuns({ runIds: [stored[0].id, stored[4].id] });
    expect(comparison.verdicts.length).toBeGreaterThan(0);
  });

  it('reports on an interrupted run against the finished one', async () => {
    const events = await client.evaluation.report({ runId: stored[4].id, baselineId: stored[0].id, format: 'md' });
    let text = '';
    for await (const event of events) if (event.type === 'done') text = event.text;
    expect(text).toContain('killedAmn');
  });

  it.each(['csv', 'recipe', 'command', 'safetensors', 'onnx'] as const)(
    'exports the finished run as %s',
    async (format) => {
      const { text, path } = await client.runs.export({ runId: stored[0].id, format });
      expect(text ?? readFileSync(path ?? '').length.toString()).not.toBe('');
    },
  );

  it('evaluates the finished run and reproduces its golden pair', async () => {
    const { run } = await client.runs.get({ runId: stored[0].id });
    const events = await client.evaluation.evaluate({ runId: run.id, datasetId: run.recipe.dataset });
    let parity = false;
    for await (const event of events) if (event.type === 'done') parity = event.evaluation.parity.ok;
    expect(parity).toBe(true);
  });

  it.each(resumed)('resumes $name to the weights version 0.1 reaches', async (run) => {
    await client.runs.resume({ runId: run.id });
    const { engine } = await followTo(client, run.id, 'finished');
    // The reference was made with fused multiply-add, which a processor or runtime may lack.
    const { name, steps } = run;
    const isSameArithmetic = engine?.variant === run.variant;
    expect(await describeRun(run.id)).toMatchObject(isSameArithmetic ? run : { name, steps });
  });
});
