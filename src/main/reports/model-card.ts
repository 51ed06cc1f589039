/** The model card of one run: model, training data, figures beside the baselines, limits. */
import { commandLine } from '#shared/domain/recipe/command-line.ts';
import { NOT_MEASURED, count, duration, figure } from '#shared/domain/figures.ts';
import { cosineInterval } from '#shared/domain/evaluation/evaluation.ts';
import { withInterval } from '#shared/domain/evaluation/interval.ts';
import { MODEL_LABELS, modelRow } from '#shared/domain/models/models.ts';
import { seesOrder } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_LABELS } from '#shared/domain/models/terms.ts';
import { BASELINES, BASELINE_LABELS } from '#shared/domain/runs/training.ts';
import { bullets, code, paragraph, table, type Block, type ReportDocument, type Section } from './document.ts';
import { baselineRows } from './evidence.ts';
import { runTitle, verdictsOf, type ReportRun } from './input.ts';

export interface ModelCardInput {
  readonly subject: ReportRun;
  readonly generatedAt: Date;
  readonly version: string;
}

export function modelCard({ subject, generatedAt, version }: ModelCardInput): ReportDocument {
  const { recipe, figures } = subject.run;
  const label = MODEL_LABELS[recipe.modelType];
  return {
    title: `Model card: ${label}, run ${runTitle(subject)}`,
    subtitle: `${generatedAt.toISOString().slice(0, 10)} · Nextvec ${version}`,
    summary: [
      paragraph(
        `${label} with ${count(figures.parameters)} parameters, trained on ${count(figures.trainRows)} windows of ${subject.dataName}. It predicts the next vector of a sequence from the last ones. ` +
          `Validation cosine **${figure(figures.valCosine)}**, OOD **${figure(figures.oodCosine)}**; the mean of the context gives ${figure(figures.baselineVal)} and ${figure(figures.baselineOod)}.`,
      ),
    ],
    sections: [
      use(),
      training(subject),
      results(subject),
      limits(subject),
      { title: 'Reproduce', blocks: [code(commandLine(recipe, subject.files))] },
    ],
  };
}

function use(): Section {
  return {
    title: 'Use',
    blocks: [
      bullets([
        'Input: windows of unit vectors from the same encoder as the training set, oldest first. Output: a raw vector; divide it by its norm.',
        'Not for vectors of another encoder, a rotated or reduced space, or windows in another order: what the model adds is worth nothing there, even where the context it carries through still gives a cosine. Check with `nextvec compare-data` first.',
        'A loaded checkpoint must reproduce its golden output before any figure of it is used; `nextvec evaluate` does that.',
      ]),
    ],
  };
}

function training({ run, split, parts }: ReportRun): Section {
  const { recipe, figures } = run;
  const isFit = modelRow(recipe.modelType).training === 'fit';
  const losses = TERMS.filter((term) => recipe.lambda[term] > 0).map(
    (term) => `${recipe.lambda[term]} · ${TERM_LABELS[term]}`,
  );
  const clean =
    split === null
      ? NOT_MEASURED
      : (split.sharedVectors ?? 0) + (split.sharedArticles ?? 0) === 0
        ? 'no article and no vector shared'
        : `LEAKS: ${count(split.sharedVectors)} vectors, ${count(split.sharedArticles)} articles shared`;
  const rows = [
    ['Split', `${recipe.split.kind}, ${clean}`],
    ...(recipe.split.excludedArticles === undefined
      ? []
      : [['Articles left out of training', recipe.split.excludedArticles]]),
    ...(parts.length > 0 ? [['Trained models among the parts', parts.join(', ')]] : []),
    ['Loss', isFit ? 'squared error (ridges), cosine (gate networks)' : losses.join(' + ')],
    [
      isFit ? 'Optimiser of the gate networks' : 'Optimiser',
      `AdamW, learning rate ${recipe.lr}, weight decay ${recipe.weightDecay}, ${isFit ? '' : `clip ${recipe.clip}, `}batch ${recipe.batchSize}`,
    ],
    ['Epochs', `${count(figures.epochs)} run, best ${count(figures.bestEpoch)}, in ${duration(figures.durationMs)}`],
    ['Seed', String(recipe.seed)],
    ...Object.entries(run.code).map(([name, value]) => [name, String(value ?? NOT_MEASURED)]),
    ...Object.entries(run.data).map(([name, value]) => [name, String(value ?? NOT_MEASURED)]),
  ];
  return { title: 'Training', blocks: [table('', ['Fact', 'Value'], rows)] };
}

function results({ evaluations, epochs }: ReportRun): Section {
  const blocks: Block[] = evaluations.map((e) =>
    table(
      `${e.data.name}, ${e.data.part}: cosine ${withInterval(e.cosine.mean, cosineInterval(e))} (p5 ${figure(e.cosine.p5, 3)}, p95 ${figure(e.cosine.p95, 3)})`,
      ['Baseline', '#Cosine', '#Lift of the model'],
      baselineRows(e),
    ),
  );
  if (blocks.length === 0) {
    const best = epochs.findLast((record) => record.isBest);
    const of = (metric: 'valCosine' | 'oodCosine') => withInterval(best?.[metric], best?.intervals?.[metric]);
    const rows = BASELINES.map((name) => [
      BASELINE_LABELS[name],
      figure(best?.baselines[name]?.valCosine),
      figure(best?.baselines[name]?.oodCosine),
    ]);
    blocks.push(
      table(
        'Mean cosine',
        ['Predictor', '#Validation', '#OOD'],
        [['This model', of('valCosine'), of('oodCosine')], ...rows],
      ),
    );
  }
  return { title: 'Results', blocks };
}

function limits(subject: ReportRun): Section {
  const verdicts = verdictsOf(subject).map((verdict) => verdict.message);
  const { recipe } = subject.run;
  const label = MODEL_LABELS[recipe.modelType];
  const own = seesOrder(recipe) ? [] : [`${label} gives the same prediction for any order of its context.`];
  const nothing =
    subject.evaluations.length === 0
      ? 'No evaluation is stored, so no verdict was drawn.'
      : 'No verdict was drawn against it.';
  return { title: 'Known limits', blocks: [bullets([...own, ...(verdicts.length > 0 ? verdicts : [nothing])])] };
}
