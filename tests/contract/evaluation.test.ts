/** Evaluation, balance, comparison and reports through the services: real workers, real checkpoints, a real history. */
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ORPCError } from '@orpc/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorData } from '#shared/contract/errors.ts';
import type { Balance } from '#shared/contract/evaluation.ts';
import type { AskedShares } from '#shared/domain/recipe/balance.ts';
import type { Evaluation } from '#shared/domain/evaluation/evaluation.ts';
import type { WindowPick } from '#shared/domain/evaluation/inspection.ts';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import type { TermTable } from '#shared/domain/runs/training.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/main/formats/safetensors.ts';
import { followTo, importChunks, testHome, type TestHome } from '../support/nextvec.ts';

let home: TestHome;
let nextvec: Nextvec;
let client: NextvecClient;
let dataset: string;
let ood: string;
let baseline: string;
let subject: string;

const BASE = { batchSize: 16, engine: 'simd', threads: 1, seed: 4, sizes: { dModel: 8, hiddenDim: 16 } } as const;
const UNBALANCED = { mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3 };

async function train(recipe: object, name: string): Promise<string> {
  const { runId } = await client.runs.start({ recipe: { dataset, ood, epochs: 3, ...BASE, ...recipe }, name });
  await followTo(client, runId, 'finished');
  return runId;
}

type EvaluateOptions = Pick<Parameters<NextvecClient['evaluation']['evaluate']>[0], 'part' | 'ceiling'>;

async function evaluate(runId: string, datasetId: string, options: EvaluateOptions = {}): Promise<Evaluation> {
  for await (const event of await client.evaluation.evaluate({ runId, datasetId, ...options })) {
    if (event.type === 'done') return event.evaluation;
  }
  throw new Error('the evaluation ended without a result');
}

/** Of `baseline` on its own data, made once. */
let ofBaseline: Promise<Evaluation> | null = null;
function ownEvaluation(): Promise<Evaluation> {
  ofBaseline ??= evaluate(baseline, dataset);
  return ofBaseline;
}

beforeAll(async () => {
  home = await testHome();
  nextvec = await home.open();
  client = nextvec.client;
  dataset = await importChunks(client, join(home.path, 'train.npz'), {
    articles: 40,
    chunksPerArticle: 12,
    D: 16,
    textOf: (article, chunk) => `<b>chunk ${chunk}</b> of article ${article}`,
  });
  ood = await importChunks(client, join(home.path, 'ood.npz'), { articles: 12, chunksPerArticle: 12, D: 16, seed: 9 });
  baseline = await train({ lambda: { mse: 1 } }, 'mse');
  subject = await train({ lambda: UNBALANCED }, 'unbalanced');
}, 180_000);
afterAll(() => home.dispose());

describe('evaluation', () => {
  test('checks parity, then measures every figure; null where it cannot', async () => {
    const own = await ownEvaluation();
    expect(own.parity).toMatchObject({ goldenMaxAbs: 0, valCosineDelta: 0, ok: true });
    const { run } = await client.runs.get({ runId: baseline });
    expect(own.checkpoint).toEqual({ kind: 'best', epoch: run.best?.epoch });
    expect(own.cosine.mean).toBeCloseTo(run.best?.valCosine ?? Number.NaN, 5);
    expect(own.baselines.contextMean).toBeCloseTo(run.baselines.contextMean?.valCosine ?? Number.NaN, 5);
    expect(own.baselines.ridge).toBeCloseTo(run.baselines.ridge?.valCosine ?? Number.NaN, 5);
    expect(own.lift.contextMean).toBeCloseTo(own.cosine.mean! - own.baselines.contextMean!, 12);
    expect(Object.keys(own.offsets).toSorted()).toEqual(['-1', '-2', '-3', '-4', '0', 'target']);
    expect(own.offsets.target).toBeCloseTo(own.cosine.mean!, 6);
    expect(own.alignment.agreeing).toBe(1);
    expect(own.samples.every(({ attention }) => attention?.length === 5)).toBe(true);
    expect([own.reference, own.space]).toEqual([null, null]);
    const other = await evaluate(baseline, ood);
    expect(other.space?.verdict).toBeDefined();
    expect(other.reference?.cosine).toBeCloseTo(own.cosine.mean!, 5);
    expect((await client.evaluation.list({ runId: baseline })).map(({ data }) => data.id)).toEqual([ood, dataset]);
  }, 120_000);

  test('measures the ceiling of a set on request; of training windows there is none', async () => {
    const { ceiling, cosine, baselines } = await evaluate(baseline, ood, { ceiling: true });
    const { positionWeights, gate, windows } = ceiling!;
    expect(windows).toBe(12 * 7);
    expect(positionWeights.weights).toHaveLength(5);
    expect(positionWeights.cosine).toBeGreaterThanOrEqual(baselines.weightedMean! - 1e-3);
    expect(positionWeights.lift).toBeCloseTo(cosine.mean! - positionWeights.cosine, 6);
    expect(gate.interval!.low).toBeLessThan(gate.cosine);
    expect(gate.interval!.high).toBeGreaterThan(gate.cosine);
    const [stored] = await client.evaluation.list({ runId: baseline });
    expect(stored.ceiling).toEqual(ceiling);
    expect((await evaluate(baseline, ood)).ceiling).toBeNull();
    const refused = evaluate(baseline, dataset, { part: 'all', ceiling: true });
    await expect(refused).rejects.toThrow('has trained on these windows');
  }, 120_000);

  test('two at once both end in order after their result', async () => {
    const types = async (): Promise<string[]> => {
      const seen: string[] = [];
      for await (const event of await client.evaluation.evaluate({ runId: subject, datasetId: ood }))
        seen.push(event.type);
      return seen;
    };
    for (const seen of await Promise.all([types(), types()])) expect(seen.at(-1)).toBe('done');
  });

  test('inspects a window by place or number: context, attention, nearest targets', async () => {
    const own = await ownEvaluation();
    const look = (pick: WindowPick) => client.evaluation.inspect({ runId: baseline, datasetId: dataset, pick });
    const worst = await look({ by: 'rank', share: 0 });
    const best = await look({ by: 'rank', share: 1 });
    expect([worst.rank, best.rank]).toEqual([0, best.ranked - 1]);
    expect([worst.ranked, worst.windows]).toEqual([own.rows, own.rows]);
    expect(worst.cosine).toBeLessThan(own.cosine.p5!);
    expect(best.cosine).toBeGreaterThan(own.cosine.p95!);
    expect(worst.parity.ok).toBe(true);
    const sample = own.samples[3];
    const again = await look({ by: 'window', window: sample.window });
    expect(again.cosine).toBeCloseTo(sample.cosine, 6);
    expect(again.contextMeanCosine).toBeCloseTo(sample.contextMeanCosine, 6);
    again.attention?.forEach((weight, t) => expect(weight).toBeCloseTo(sample.attention![t], 5));
    expect(again.cosines).toHaveLength(7);
    again.cosines.forEach((row, i) => expect(row[i]).toBeCloseTo(1, 5));
    expect(again.cosines[6].slice(0, 5)).toEqual(sample.contextCosines.map((c) => expect.closeTo(c, 5) as number));
    // 12 chunks an article give 7 windows of five and a target.
    expect(again.place).toMatchObject({ of: 7 });
    const near = again.neighbours.map((n) => n.cosine);
    expect(near).toEqual(near.toSorted((a, b) => b - a));
    const place = again.neighbours.findIndex((n) => n.isTarget);
    expect(place === -1 ? again.targetRank > near.length : place === again.targetRank - 1).toBe(true);
    await expect(look({ by: 'window', window: 100_000 })).rejects.toThrow(/Window 100000 is not among the validation/);
  }, 120_000);

  test('refuses a checkpoint with one changed weight, also when its hash is corrected', async () => {
    const copy = await train({ lambda: { mse: 1 } }, 'altered');
    const folder = join(nextvec.home, 'runs', copy);
    const best = join(
      folder,
      (await readdir(folder)).find((name) => name.startsWith('best-'))!,
    );
    const file = join(best, 'model.safetensors');
    const { tensors, metadata } = decodeSafetensors(await readFile(file), file);
    tensors.get('residual_net.6.weight')!.data[0] += 0.01;
    const bytes = encodeSafetensors(tensors, metadata);
    await writeFile(file, bytes);
    const failure = await evaluate(copy, dataset).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ORPCError);
    expect((failure as ORPCError<string, ErrorData>).data.code).toBe('PARITY_FAILED');
    const manifest = JSON.parse(await readFile(join(best, 'checkpoint.json'), 'utf8'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    manifest.files['model.safetensors'] = { bytes: bytes.length, sha256 };
    await writeFile(join(best, 'checkpoint.json'), JSON.stringify(manifest));
    const again = await evaluate(copy, dataset).catch((error: unknown) => error);
    expect((again as ORPCError<string, ErrorData>).data.code).toBe('PARITY_FAILED');
  }, 120_000);

  test('maps a data set: coordinates, articles, split of the run, cosines', async () => {
    const mapOf = async (id: string, method: 'pca' | 'umap', runId: string | null) => {
      for await (const event of await client.evaluation.map({ id, method, runId })) {
        if (event.type === 'done') return event.map;
      }
      throw new Error('the map ended without a result');
    };
    const own = await mapOf(dataset, 'pca', baseline);
    expect([own.x.length, own.vectors]).toEqual([480, 480]);
    expect(new Set(own.article).size).toBe(40);
    const { run } = await client.runs.get({ runId: baseline });
    const counts = [0, 1, 2, 3].map((code) => own.side!.filter((s) => s === code).length);
    // Windows of T = 5 and a target cover every chunk of an article of 12.
    expect(counts).toEqual([0, 12 * run.splitProof!.trainArticles!, 12 * run.splitProof!.valArticles!, 0]);
    // The first five chunks of an article are no window's target.
    expect(own.cosine!.filter((c) => Number.isNaN(c))).toHaveLength(40 * 5);
    const validation = own.cosine!.filter((c, i) => own.side![i] === 2 && !Number.isNaN(c));
    expect(validation.reduce((a, b) => a + b, 0) / validation.length).toBeCloseTo(run.best!.valCosine, 4);
    const other = await mapOf(ood, 'umap', baseline);
    expect([other.method, other.side, other.explained]).toEqual(['umap', null, null]);
    expect((await mapOf(dataset, 'pca', null)).cosine).toBeNull();
    // Cached: the second call emits no progress.
    const again = [];
    for await (const event of await client.evaluation.map({ id: dataset, method: 'pca', runId: baseline })) {
      again.push(event);
    }
    expect(again).toEqual([{ type: 'done', map: own }]);
  }, 120_000);

  test('cross-test has a cell per run and data set', async () => {
    const cells = [];
    const input = { runIds: [baseline, subject], datasetIds: [dataset, ood] };
    for await (const event of await client.evaluation.crossTest(input))
      if (event.type === 'cell') cells.push(event.cell);
    expect(cells.map(({ runId, datasetId }) => [runId, datasetId])).toEqual([
      [baseline, dataset],
      [baseline, ood],
      [subject, dataset],
      [subject, ood],
    ]);
    expect(cells.every(({ cosine, lift, error }) => cosine !== null && lift !== null && error === '')).toBe(true);
  }, 120_000);
});

describe('balance', () => {
  async function firstBatches(recipe: RecipeInput): Promise<TermTable> {
    for await (const event of await client.evaluation.firstBatches({ recipe }))
      if (event.type === 'done') return event.firstBatches.terms;
    throw new Error('the measurement ended without a result');
  }

  async function balanceOf(recipe: RecipeInput, shares: AskedShares): Promise<Balance> {
    for await (const event of await client.evaluation.balance({ recipe, shares }))
      if (event.type === 'done') return event.balance;
    throw new Error('the balance ended without a result');
  }

  test('measures gradient shares on the first batches and finds λ for the requested shares', async () => {
    const recipe = { dataset, ...BASE, lambda: UNBALANCED };
    const before = await firstBatches(recipe);
    expect(before.info_nce.gradShare).toBeGreaterThan(0.8);
    const shares = { mse: 0.6, info_nce: 0.4 };
    const balance = await balanceOf(recipe, shares);
    expect(balance.before).toEqual(before);
    expect(balance.worst).toBeLessThan(0.05);
    expect(balance.lambda.mse).toBe(UNBALANCED.mse);
    const after = await firstBatches({ ...recipe, lambda: balance.lambda });
    expect(after).toEqual(balance.terms);
    expect(after.mse.gradShare).toBeCloseTo(0.6, 1);
    expect(after.info_nce.gradShare).toBeCloseTo(0.4, 1);
  }, 120_000);

  test('finds λ of a term with weight 0 and refuses impossible requests', async () => {
    const recipe = { dataset, ...BASE, lambda: { mse: 1 } };
    const { lambda, asked, shares } = await balanceOf(recipe, { mse: 3, info_nce: 1 });
    expect([lambda.mse, asked.mse, asked.info_nce]).toEqual([1, 0.75, 0.25]);
    expect(lambda.info_nce).toBeGreaterThan(0);
    expect(shares.info_nce).toBeCloseTo(0.25, 1);
    await expect(balanceOf(recipe, { mse: 0 })).rejects.toMatchObject({ data: { code: 'BAD_INPUT' } });
  }, 120_000);

  test('preflight uses measured shares once available', async () => {
    const recipe = { dataset, ...BASE, seed: 11, tau: 0.02, lambda: { mse: 0.2, info_nce: 1 } };
    const guess = await client.runs.preflight({ recipe });
    expect(guess.firstBatches).toBeNull();
    const measured = await firstBatches(recipe);
    // Epochs and OOD set do not affect the first batches.
    const known = await client.runs.preflight({ recipe: { ...recipe, epochs: 7, ood } });
    expect(known.firstBatches?.terms).toEqual(measured);
    const finding = known.lint.find(({ path }) => path === 'lambda.info_nce');
    const share = `${(100 * (measured.info_nce.gradShare ?? 0)).toFixed(1)} % of the gradient`;
    expect(finding?.reason).toMatch(/^Measured on the first batches/);
    expect(finding?.reason).toContain(share);
    const other = await client.runs.preflight({ recipe: { ...recipe, seed: 12 } });
    expect(other.firstBatches).toBeNull();
  }, 120_000);

  test('an aborted measurement stops and lets the next one start', async () => {
    const recipe = { dataset, ...BASE, seed: 13, lambda: UNBALANCED };
    const abort = new AbortController();
    for await (const event of await client.evaluation.balance(
      { recipe, shares: { mse: 1 } },
      { signal: abort.signal },
    )) {
      expect(event.type).toBe('progress');
      break;
    }
    abort.abort();
    expect((await firstBatches(recipe)).mse.value).not.toBeNull();
  }, 120_000);
});

describe('reports', () => {
  async function report(format: 'md' | 'html', texts = false) {
    const input = { runId: subject, baselineId: baseline, format, stem: 'report', texts };
    for await (const event of await client.evaluation.report(input)) if (event.type === 'done') return event;
    throw new Error('the report ended without a result');
  }

  test('a comparison names the differences', async () => {
    const { recipeDiff, dataDiff, verdicts } = await client.evaluation.compareRuns({ runIds: [baseline, subject] });
    expect(recipeDiff.map(({ field }) => field)).toEqual([
      'lambda.mse',
      'lambda.info_nce',
      'lambda.moment',
      'lambda.variance',
    ]);
    expect([dataDiff, verdicts.length > 0]).toEqual([[], true]);
  });

  test('writes Markdown with charts and HTML without scripts, with equal content', async () => {
    const md = await report('md');
    expect(md.files.map(({ name }) => name)).toEqual(md.text.match(/report-\d\.svg/g));
    const sections = [
      'Performance',
      'Root cause',
      'Evidence',
      'What differs',
      'Diagnostics run',
      'Corrected command line',
      'Expected recovery',
      'Lessons',
      'Next steps',
    ];
    expect(md.text.match(/^## .*$/gm)).toEqual(sections.map((title) => `## ${title}`));
    expect(md.text).toContain('InfoNCE');
    const html = await report('html');
    expect(html.text).not.toMatch(/<script|javascript:|https?:\/\/(?!www\.w3\.org)/);
    expect(html.text.match(/<svg /g)).toHaveLength(md.files.length);
    expect(html.text.match(/<h2>/g)).toHaveLength(sections.length);
  }, 120_000);

  test('quotes the texts of the sample windows, escaped, only when asked', async () => {
    const quoted =
      /\| &lt;b&gt;chunk \d+&lt;\/b&gt; of article (\d+) \| &lt;b&gt;chunk \d+&lt;\/b&gt; of article \1 \|/;
    const { text } = await report('md', true);
    expect(text).toMatch(quoted);
    // The OOD set has no texts.
    expect(text.match(/\*\*Texts of the sample windows\*\*/g)).toHaveLength(1);
    expect((await report('html', true)).text).toContain('&lt;b&gt;chunk');
    expect((await report('md')).text).not.toMatch(quoted);
  }, 120_000);

  test('an expectation becomes a claim that the retrained run settles, with both figures', async () => {
    const { claim, recipe } = await report('md');
    expect(claim?.outcome).toBe('open');
    const retrain = await client.runs.start({ recipe: recipe!, name: 'retrain' });
    const run = await followTo(client, retrain.runId, 'finished');
    const [settled] = await client.evaluation.claims();
    expect(settled.outcome.outcome).toMatch(/^(met|missed)$/);
    expect(settled.outcome).toMatchObject({ measured: run.best?.valCosine, runId: retrain.runId });
    expect(settled.outcome.message).toContain(run.best!.valCosine.toFixed(4));
    const { log } = await client.runs.get({ runId: retrain.runId });
    expect(log.map(({ message }) => message)).toContain(settled.outcome.message);
  }, 120_000);

  test('a model card uses the evaluation of its run', async () => {
    const { text } = await client.evaluation.modelCard({ runId: baseline, format: 'md' });
    expect(text).toMatch(/^# Model card: AMN/);
    expect(text).toContain('no article and no vector shared');
    expect(text).toContain('| Mean of context |');
  });
});
