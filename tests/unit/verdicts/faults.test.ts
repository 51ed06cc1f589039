/** Verdicts on real measurements: each planted fault is found, and healthy runs give none. */
import { describe, expect, it } from 'vitest';
import type { Predictor } from '#engine/evaluation/ablations.ts';
import { measure } from '#engine/evaluation/measure.ts';
import type { Parity, Reference, Verdict, VerdictCode } from '#shared/domain/evaluation/evaluation.ts';
import type { Task } from '#shared/domain/datasets/task.ts';
import type { Comparison } from '#shared/domain/datasets/passport.ts';
import { drawVerdicts, type SplitEvidence } from '#shared/domain/verdicts/verdicts.ts';
import { compareDatasets } from '../../../src/main/datasets/measures/compare.ts';
import {
  D,
  T,
  altered,
  asData,
  distorted,
  makeArticles,
  makeThemes,
  makeWindows,
  rotate,
  sharedVectors,
  simpleBaselines,
  memoriseWindows,
  trainThemes,
  type Articles,
  type WindowSet,
} from './synthetic.ts';

const REPRODUCED: Parity = { goldenMaxAbs: 0, goldenMaxRelative: 0, valCosineDelta: 0, ok: true };
const CLEAN: SplitEvidence = { kind: 'article', sharedVectors: 0, sharedArticles: 0 };

interface World {
  readonly themes: Float32Array;
  readonly articles: Articles;
  readonly train: WindowSet;
  readonly validation: WindowSet;
  readonly model: Predictor;
}

const worlds = new Map<number, World>();
function worldOf(seed: number): World {
  const world = worlds.get(seed) ?? makeWorld(seed);
  worlds.set(seed, world);
  return world;
}

function makeWorld(seed: number): World {
  const themes = makeThemes(seed);
  const articles = makeArticles(themes, 100, 1000 + seed);
  const train = makeWindows(articles);
  return {
    themes,
    articles,
    train,
    validation: makeWindows(makeArticles(themes, 16, 2000 + seed)),
    model: trainThemes(train),
  };
}

/** Each model is measured on a set once: many faults have the healthy model of their world as reference. */
const measurements = new Map<Predictor, Map<WindowSet, ReturnType<typeof measure>>>();
function measured(model: Predictor, set: WindowSet): ReturnType<typeof measure> {
  const ofModel = measurements.get(model) ?? new Map<WindowSet, ReturnType<typeof measure>>();
  measurements.set(model, ofModel);
  const options = { baselines: simpleBaselines(), seed: 1, articleOf: set.articleOf };
  const measurement = ofModel.get(set) ?? measure(model, set.split, options);
  ofModel.set(set, measurement);
  return measurement;
}

async function referenceOf(model: Predictor, set: WindowSet): Promise<Reference> {
  const { rows, cosine, baselines } = await measured(model, set);
  return { rows, cosine: cosine.mean!, std: cosine.std, baselines };
}

interface Case {
  readonly model: Predictor;
  readonly on: WindowSet;
  readonly validation?: WindowSet;
  readonly parity?: Parity | null;
  readonly split?: SplitEvidence;
  /** Model of the reference measurement, when the fault comes later. */
  readonly healthy?: Predictor;
  readonly space?: Comparison;
  readonly task?: Task;
}

async function verdicts({
  model,
  on,
  validation,
  parity = REPRODUCED,
  split = CLEAN,
  healthy = model,
  space,
  task,
}: Case): Promise<Verdict[]> {
  return drawVerdicts({
    task,
    measured: await measured(model, on),
    parity,
    reference: validation ? await referenceOf(healthy, validation) : null,
    space: space ?? null,
    split,
    terms: null,
    lambda: null,
  });
}

type Fault = (world: World, seed: number) => Promise<Case> | Case;

const FAULTS: readonly (readonly [name: string, verdict: VerdictCode, plant: Fault])[] = [
  [
    'rotated space',
    'DIFFERENT_SPACE',
    async ({ model, themes, validation, articles }, seed) => {
      const rotated = rotate(makeArticles(themes, 16, 3000 + seed), seed);
      const space = await compareDatasets(asData(articles), asData(rotated));
      return { model, validation, on: makeWindows(rotated), space };
    },
  ],
  [
    'evaluator that feeds scrambled dimensions, parity unknown',
    'EVALUATOR_FAULT',
    ({ model, validation }) => ({
      model: distorted(model, (row) => row.set(row.slice().map((_, d) => row[(d * 7 + 3) % D] * (d % 2 ? 1 : -1)))),
      healthy: model,
      validation,
      on: validation,
      parity: null,
    }),
  ],
  [
    'windows shifted by one',
    'ALIGNMENT',
    ({ model, themes, validation }, seed) => ({
      model,
      validation,
      on: makeWindows(makeArticles(themes, 16, 3000 + seed), 2),
    }),
  ],
  [
    'target inside its context',
    'ALIGNMENT',
    ({ model, themes, validation }, seed) => ({
      model,
      validation,
      on: makeWindows(makeArticles(themes, 16, 3000 + seed), 0),
    }),
  ],
  [
    'model that gives back its last vector',
    'ALIGNMENT',
    ({ validation }) => ({ model: simpleBaselines().lastVector, on: validation }),
  ],
  [
    'negated targets',
    'SIGN_FLIP',
    ({ model, validation }) => ({
      model,
      validation,
      on: altered(validation, (_, targets) => targets.forEach((x, i) => (targets[i] = -x))),
    }),
  ],
  [
    'negated output',
    'SIGN_FLIP',
    ({ model, validation }) => ({
      model: distorted(model, (row) => row.forEach((x, i) => (row[i] = -x))),
      on: validation,
    }),
  ],
  ['leaked split', 'LEAKED_SPLIT', (world, seed) => leaked(world, seed)],
  [
    'over-fit: themes never seen',
    'OVERFIT',
    ({ model, validation }, seed) => ({
      model,
      validation,
      on: makeWindows(makeArticles(makeThemes(500 + seed), 16, 3000 + seed)),
    }),
  ],
  [
    'constant collapse',
    'CONSTANT_COLLAPSE',
    ({ model, validation }) => ({
      model: distorted(model, (row) => row.forEach((x, d) => (row[d] = 0.05 * x + (d % 3)))),
      on: validation,
    }),
  ],
  [
    'dimensional collapse',
    'DIMENSIONAL_COLLAPSE',
    ({ model, validation }) => ({ model: distorted(model, (row) => row.fill(0, 3)), on: validation }),
  ],
  [
    'easier OOD set',
    'EASIER_OOD',
    ({ model, themes, validation }, seed) => ({
      model,
      validation,
      on: makeWindows(makeArticles(themes, 16, 3000 + seed, 0.7)),
    }),
  ],
  [
    'harder OOD set',
    'HARDER_DATA',
    ({ model, themes, validation }, seed) => ({
      model,
      validation,
      on: makeWindows(makeArticles(themes, 16, 3000 + seed, 1.7)),
    }),
  ],
  [
    'targets of other windows',
    'EVALUATION_BROKEN',
    ({ model, validation }) => ({ model, validation, on: strangers(validation) }),
  ],
  [
    'wrong forward pass',
    'WRONG_FORWARD_PASS',
    ({ model, validation }) => ({
      model,
      validation,
      on: validation,
      parity: { goldenMaxAbs: 0.31, goldenMaxRelative: 0.9, valCosineDelta: -0.5, ok: false },
    }),
  ],
  [
    'model worse than the mean of its context',
    'BELOW_BASELINE',
    ({ model, validation }) => ({ model: noisy(model), on: validation }),
  ],
  [
    'mean of the context with a little noise',
    'NOT_DISTINGUISHABLE',
    ({ validation }) => ({ model: slightlyNoisy(simpleBaselines().contextMean), on: validation }),
  ],
];

/** A model that memorises, and validation windows that overlap the training windows. */
function leaked({ themes }: World, seed: number): Case {
  const all = makeWindows(makeArticles(themes, 20, 1000 + seed));
  const pick = (keep: (id: number) => boolean): WindowSet => ({
    ...all,
    split: { ...all.split, ids: all.split.ids.filter(keep) },
  });
  const train = pick((id) => id % 5 !== 0);
  const validation = pick((id) => id % 5 === 0);
  const shared = sharedVectors(train.split, validation.split);
  return {
    model: memoriseWindows(train),
    validation,
    on: makeWindows(makeArticles(themes, 16, 3000 + seed)),
    split: { kind: 'random', sharedVectors: shared, sharedArticles: null },
  };
}

/** Gives each window the target of a distant one. */
function strangers(set: WindowSet): WindowSet {
  const { source, ids } = set.split;
  const other = (id: number) => (id + Math.floor(source.windows / 2)) % source.windows;
  const gather: typeof source.gather = (of, contexts, targets) => {
    source.gather(of.map(other), contexts, targets);
    const scratch = new Float32Array(targets.length);
    source.gather(of, contexts, scratch);
  };
  return { ...set, split: { source: { ...source, gather }, ids } };
}

/** Enough fixed noise on each component to lose to the mean of the context without collapsing. */
function noisy(model: Predictor, size = 0.35): Predictor {
  let state = 12345;
  return distorted(model, (row) => {
    for (let d = 0; d < D; d++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      row[d] += size * (state / 2 ** 32 - 0.5);
    }
  });
}

function slightlyNoisy(model: Predictor): Predictor {
  return noisy(model, 1e-3);
}

describe('fault × verdict', () => {
  it.each(FAULTS)('%s → %s', async (_, code, plant) => {
    const world = worldOf(7);
    const found = await verdicts(await plant(world, 7));
    expect(found.map((verdict) => verdict.code)).toContain(code);
    const verdict = found.find((v) => v.code === code);
    expect(verdict?.message.length).toBeGreaterThan(40);
    expect(Object.keys(verdict?.evidence ?? {}).length).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('a healthy run, seed %i: no verdict', async (seed) => {
    const world = worldOf(seed);
    const oodArticles = makeArticles(world.themes, 30, 3000 + seed);
    const ood = makeWindows(oodArticles);
    const onValidation = await verdicts({ model: world.model, on: world.validation });
    const space = await compareDatasets(asData(world.articles), asData(oodArticles));
    const onOod = await verdicts({ model: world.model, validation: world.validation, on: ood, space });
    expect(space.verdict).toBe('same');
    expect([...onValidation, ...onOod]).toEqual([]);
  });

  it('a gain that shrinks but is distinguishable from 0 is not called over-fit', async () => {
    const { model, validation } = worldOf(7);
    const strange = makeWindows(makeArticles(makeThemes(507), 16, 3007));
    const figures = await measured(model, strange);
    const reference = await referenceOf(model, validation);
    const codesAt = (low: number) => {
      const lift = { ...figures.intervals!.lift, best: { low, high: 0.01 } };
      const seen = { ...figures, intervals: { ...figures.intervals!, lift } };
      const rest = { parity: REPRODUCED, space: null, split: CLEAN, terms: null, lambda: null };
      return drawVerdicts({ measured: seen, reference, ...rest }).map(({ code }) => code);
    };
    expect(codesAt(-0.001)).toContain('OVERFIT');
    expect(codesAt(0.001)).not.toContain('OVERFIT');
  });

  it('a prediction near the article mean is not called shifted', async () => {
    const { validation } = worldOf(7);
    const first: Predictor = {
      predict: (contexts, B) => {
        const raw = new Float32Array(B * D);
        for (let row = 0; row < B; row++) raw.set(contexts.subarray(row * T * D, (row * T + 1) * D), row * D);
        return { raw };
      },
    };
    const codesFor = async (task?: Task) =>
      (await verdicts({ model: first, on: validation, task })).map(({ code }) => code);
    expect(await codesFor()).toContain('ALIGNMENT');
    expect(await codesFor({ context: T - 2, history: 8 })).not.toContain('ALIGNMENT');
  });

  it.each(FAULTS)('%s: no serious verdict beside the right one', async (_, code, plant) => {
    const found = await verdicts(await plant(worldOf(8), 8));
    expect(found.filter((v) => v.severity === 'error' && v.code !== code)).toEqual([]);
  });
});
