/** The loss head on WebGPU against the float64 reference: every term alone, all together, and batches that are special. */
import { describe, expect, it } from 'vitest';
import type { InfoNceMode } from '#engine/losses/info-nce.ts';
import { relativeError } from '#engine/verify.ts';
import { LossHead } from '#engine/webgpu/losses/head.ts';
import { TERMS, isTermDefined, lambdaOf, type LossConfig, type Term } from '#shared/domain/models/terms.ts';
import { lossTerms, normalised, totalLoss, type LossInput } from '../../reference/losses.ts';
import { LOSS, normals } from '../../support/kernels.ts';
import { GpuBench, describeWebgpu } from '../../support/webgpu.ts';

/** Room for more rows than the batch has; what lies there must not count. One size for all, so that kernels compile once. */
const MAX_B = 53;

function batch(B: number, T: number, D: number): LossInput {
  const raw = normals(20, B * D, 0.3);
  const target = Float32Array.from(normalised(normals(21, B * D), B, D));
  return { raw, target, context: normals(22, B * T * D), B, T, D };
}

/** Runs the head on one batch, with NaN in the spare rows. */
async function run({ raw, target, context, B, T, D }: LossInput, loss: LossConfig, mode: InfoNceMode = 'gradient') {
  const bench = new GpuBench();
  const maxB = Math.max(MAX_B, B + 3);
  const withSpare = (values: ArrayLike<number>, width: number) => {
    const rows = new Float32Array(maxB * width).fill(Number.NaN);
    rows.set(values);
    return rows;
  };
  const contexts = bench.tensor(withSpare(context, T * D));
  const targets = bench.tensor(withSpare(target, D));
  const head = new LossHead(bench.memory, { T, D, maxB, contexts, targets });
  bench.memory.write(head.raw, withSpare(raw, D));
  bench.uniforms.setLoss(loss);
  const program = bench.run(B, (p) => head.forwardBackward(p, mode));
  const figures = await bench.read(head.figures);
  const draw = (await bench.read(head.draw)).slice(0, B * D);
  bench.memory.dispose();
  return { ...head.results(figures, loss, B, mode), draw, figures, dispatches: program.labels(B).length };
}

/** Largest relative errors of values, norms and gradients. */
const VALUE = 1e-5;
const GRADIENT = 2e-5;

async function expectTerm(input: LossInput, config: LossConfig, term: Term): Promise<void> {
  const { values, gradNorms, draw } = await run(input, { ...config, weights: lambdaOf({ [term]: 2 }) });
  const k = TERMS.indexOf(term);
  const expected = lossTerms(input, config)[term];
  const gradient = expected.gradient.map((g) => 2 * g);
  expect(relativeError([values[k]], [expected.value])).toBeLessThan(VALUE);
  expect(relativeError(draw, gradient)).toBeLessThan(GRADIENT);
  expect(relativeError([gradNorms[k]], [Math.hypot(...gradient)])).toBeLessThan(GRADIENT);
}

async function expectTotal(input: LossInput, config: LossConfig): Promise<void> {
  const { total, cosine, draw, values } = await run(input, config);
  const expected = totalLoss(input, config);
  expect(relativeError([total], [expected.value])).toBeLessThan(VALUE);
  expect(relativeError(draw, expected.gradient)).toBeLessThan(GRADIENT);
  const terms = lossTerms(input, config);
  expect([...values].map(Number.isNaN)).toEqual(TERMS.map((term) => Number.isNaN(terms[term].value)));
  expect(cosine).toBeCloseTo(1 - terms.cosine.value, 6);
}

describeWebgpu('webgpu loss head', () => {
  describe.each([
    [6, 5, 24, {}],
    [19, 9, 100, { varianceTarget: 0.15 }],
    [50, 1, 33, { tau: 1, marginDirectional: 0.5, marginAntiCopy: 0.5 }],
  ])('B %i, T %i, D %i with %o', (B, T, D, changes) => {
    it.each(TERMS.filter((term) => isTermDefined(term, B, T)))(
      '%s alone: value, gradient and its norm',
      async (term) => {
        await expectTerm(batch(B, T, D), { ...LOSS, ...changes }, term);
      },
    );
  });

  it.each([
    ['moment', 1, 5],
    ['variance', 1, 5],
    ['directional', 50, 1],
  ] as const)('%s alone is skipped at B %i, T %i', async (term, B, T) => {
    const loss = { ...LOSS, weights: lambdaOf({ [term]: 2 }) };
    const { values, gradNorms, draw, total } = await run(batch(B, T, T === 1 ? 33 : 24), loss);
    const k = TERMS.indexOf(term);
    expect([values[k], gradNorms[k], total]).toEqual([Number.NaN, Number.NaN, 0]);
    expect(draw.every((g) => g === 0)).toBe(true);
  });

  it.each([
    [1, 5, 24, {}],
    [2, 5, 24, { tau: 0.005 }],
    [50, 9, 100, {}],
    [300, 2, 12, {}],
  ])('all terms together at B %i, T %i, D %i with %o', async (B, T, D, changes) => {
    await expectTotal(batch(B, T, D), { ...LOSS, ...changes });
  });

  it('margins that are all met or all missed', async () => {
    const input = batch(7, 5, 24);
    await expectTotal(input, { ...LOSS, marginDirectional: -2, marginAntiCopy: -2 });
    await expectTotal(input, { ...LOSS, marginDirectional: 2, marginAntiCopy: 2 });
  });

  it.each(['raw', 'target', 'context'] as const)('a row of zeros in %s', async (name) => {
    const input = batch(6, 5, 24);
    const zeroed = Float32Array.from(input[name]);
    zeroed.fill(0, 2 * 24, 3 * 24);
    // Row by row: the gradient of a zero row of raw is 1e12 times as large as the others.
    const { draw, total } = await run({ ...input, [name]: zeroed }, LOSS);
    const expected = totalLoss({ ...input, [name]: zeroed }, LOSS);
    expect(relativeError([total], [expected.value])).toBeLessThan(VALUE);
    for (let b = 0; b < 6; b++) {
      const row = [b * 24, (b + 1) * 24] as const;
      expect(relativeError(draw.slice(...row), expected.gradient.slice(...row))).toBeLessThan(GRADIENT);
    }
  });

  it('statistics of dimensions with a large mean', async () => {
    const input = batch(40, 5, 24);
    const far = Float32Array.from(input.raw, (x, i) => x + (i % 24 === 3 ? 100 : 0));
    const loss = { ...LOSS, weights: lambdaOf({ moment: 1 }) };
    const { values, draw } = await run({ ...input, raw: far }, loss);
    const expected = lossTerms({ ...input, raw: far }, LOSS).moment;
    expect(relativeError([values[TERMS.indexOf('moment')]], [expected.value])).toBeLessThan(VALUE);
    expect(relativeError(draw, expected.gradient)).toBeLessThan(GRADIENT);
  });

  it('InfoNCE is measured, or not, without its gradient where λ is 0', async () => {
    const input = batch(20, 5, 24);
    const loss = { ...LOSS, weights: { ...LOSS.weights, info_nce: 0 } };
    const k = TERMS.indexOf('info_nce');
    const full = await run(input, loss, 'gradient');
    const value = await run(input, loss, 'value');
    const none = await run(input, loss, 'none');
    expect(value.values[k]).toBe(full.values[k]);
    expect(none.values[k]).toBeNaN();
    expect(value.draw).toEqual(none.draw);
    expect(relativeError(none.draw, totalLoss(input, loss).gradient)).toBeLessThan(GRADIENT);
    expect([none.total, none.gradNorms]).toEqual([value.total, value.gradNorms]);
    expect([none, value, full].map(({ dispatches }) => dispatches)).toEqual([4, 6, 8]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('a value %d of raw makes the total NaN', async (bad) => {
    const input = batch(9, 5, 24);
    const raw = Float32Array.from(input.raw);
    raw[35] = bad;
    const { total } = await run({ ...input, raw }, { ...LOSS, weights: lambdaOf({ anti_copy: 1 }) }, 'none');
    expect(total).toBeNaN();
  });

  it('two runs give the same bits', async () => {
    const input = batch(50, 9, 100);
    const [first, second] = [await run(input, LOSS), await run(input, LOSS)];
    expect(second.draw).toEqual(first.draw);
    expect(second.figures).toEqual(first.figures);
  });
});
