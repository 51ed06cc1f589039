/**
 * The root-cause report of a run, against a baseline run where there is one: what happened, why, the evidence,
 * the next run and its expected result. Builds a document; `markdown.ts` and `html.ts` render it.
 */
import { modelRow } from '#shared/domain/models/models.ts';
import { CLAIM_METRIC_LABELS } from '#shared/domain/verdicts/claims.ts';
import { commandLine } from '#shared/domain/recipe/command-line.ts';
import { figureInterval } from '#shared/domain/evaluation/comparison.ts';
import type { Severity } from '#shared/domain/evaluation/evaluation.ts';
import { signedInterval, withInterval } from '#shared/domain/evaluation/interval.ts';
import { NOT_MEASURED, figure, signed } from '#shared/domain/figures.ts';
import { balanceVerdict } from '#shared/domain/verdicts/verdicts.ts';
import { correct, type Correction } from './correction.ts';
import { diagnosticRows } from './diagnostics-table.ts';
import { bullets, code, paragraph, steps, table, type Block, type ReportDocument, type Section } from './document.ts';
import { balanceChart, differences, evidence, showValue } from './evidence.ts';
import { runTitle, verdictsOf, type ReportInput, type ReportRun } from './input.ts';
import { lessons, nextSteps } from './lessons.ts';
import { performance } from './performance.ts';

export interface RootCauseReport {
  readonly document: ReportDocument;
  readonly correction: Correction;
}

export function rootCauseReport(input: ReportInput): RootCauseReport {
  const correction = correct(input.subject, input.baseline);
  const findings = allFindings(input);
  const sections = [
    performance(input),
    { title: 'Root cause', blocks: rootCause(input, findings) },
    evidence(input),
    differences(input),
    diagnostics(input.subject),
    corrected(input, correction),
    expected(input, correction),
    { title: 'Lessons', blocks: [bullets(lessons(input, findings))] },
    { title: 'Next steps', blocks: [steps(nextSteps(input, correction))] },
  ];
  const document = { title: title(input), subtitle: subtitle(input), summary: summary(input, findings), sections };
  return { document, correction };
}

function title({ subject, baseline }: ReportInput): string {
  return `Root cause: run ${runTitle(subject)}${baseline ? ` against run ${runTitle(baseline)}` : ''}`;
}

function subtitle({ generatedAt, version, subject }: ReportInput): string {
  return `${generatedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC · Nextvec ${version} · ${modelRow(subject.run.recipe.modelType).label} on ${subject.dataName}`;
}

interface Finding {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
}

/** Verdicts of the evaluations, of the loss terms and of the comparison; errors and warnings before notes. */
function allFindings({ subject, comparison }: ReportInput): Finding[] {
  const last = subject.epochs[subject.epochs.length - 1];
  const balance = last ? balanceVerdict(last.terms, subject.run.recipe.lambda) : null;
  const own = verdictsOf(subject).filter((v) => v.code !== balance?.code);
  const compared = (comparison?.verdicts ?? []).filter((v) => v.code !== balance?.code);
  const rank = { error: 0, warning: 1, info: 2 } as const;
  return [
    ...own.filter((v) => v.severity === 'error'),
    ...(balance ? [balance] : []),
    ...own.filter((v) => v.severity !== 'error'),
    ...compared,
  ].toSorted((a, b) => rank[a.severity] - rank[b.severity]);
}

function summary(input: ReportInput, findings: readonly Finding[]): Block[] {
  const { subject, baseline, comparison } = input;
  const own = subject.run.figures;
  const sentences = [`Run ${runTitle(subject)} reached a validation cosine of ${cosinesOf(subject)}`];
  if (baseline) {
    const row = comparison?.metrics.find(({ metric }) => metric === 'valCosine');
    sentences[0] += `, run ${runTitle(baseline)} ${cosinesOf(baseline)}: ${signedInterval(row?.deltas[1], row?.intervals[1])}.`;
  } else sentences[0] += '.';
  sentences.push(
    `The mean of the context, which needs no model, gives ${figure(own.baselineVal)} and ${figure(own.baselineOod)} on the same rows.`,
    findings.length === 0 ? 'No rule found a fault in it.' : `Main finding: ${findings[0].message}`,
  );
  return [paragraph(sentences.join(' '))];
}

/** "**0.5512 [0.5431, 0.5590]** (OOD 0.5401 [0.5310, 0.5492])" */
function cosinesOf({ run }: ReportRun): string {
  const of = (metric: 'valCosine' | 'oodCosine') => withInterval(run.figures[metric], figureInterval(run, metric));
  return `**${of('valCosine')}** (OOD ${of('oodCosine')})`;
}

function rootCause({ subject, baseline, comparison }: ReportInput, findings: readonly Finding[]): Block[] {
  const causes = findings.filter((f) => f.severity !== 'info').map((f) => f.message);
  const notes = findings.filter((f) => f.severity === 'info').map((f) => f.message);
  const nothing =
    'No rule found a fault: parity, split, space, sign, alignment, collapse, balance and baselines were looked at, as far as they were measured (see Diagnostics run).';
  const blocks: Block[] = [causes.length > 0 ? bullets(causes) : paragraph(nothing)];
  if (notes.length > 0) blocks.push(paragraph('Also of note:'), bullets(notes));
  if (comparison?.identicalRecipes && baseline) {
    blocks.push(
      paragraph(
        `The recipes of #${subject.run.number} and #${baseline.run.number} are identical; what differs is not the recipe.`,
      ),
    );
  }
  const bars = balanceChart(baseline ? [baseline, subject] : [subject]);
  if (bars) blocks.push(bars);
  if (subject.reason !== '') blocks.push(paragraph(`The run ended with: ${subject.reason}`));
  return blocks;
}

function diagnostics(subject: ReportRun): Section {
  const blocks = subject.evaluations.map((evaluation) =>
    table(
      `${evaluation.data.name}, ${evaluation.data.part}`,
      ['Question', 'Measured', 'Reading'],
      diagnosticRows(evaluation, subject),
    ),
  );
  return {
    title: 'Diagnostics run',
    blocks: blocks.length > 0 ? blocks : [paragraph(`Parity, offsets, collapse, order and rank: ${NOT_MEASURED}.`)],
  };
}

function corrected({ subject }: ReportInput, correction: Correction): Section {
  const blocks: Block[] = [];
  if (correction.outsideRecipe.length > 0) {
    blocks.push(
      paragraph('No recipe can mend this; first:'),
      bullets(correction.outsideRecipe.map((verdict) => verdict.message)),
    );
  }
  if (correction.changes.length === 0)
    blocks.push(paragraph('No figure of this run calls for another recipe. The command line that repeats it:'));
  blocks.push(code(commandLine(correction.recipe, subject.files)));
  if (correction.changes.length > 0) {
    blocks.push(
      table(
        'Key changes',
        ['Field', '#From', '#To', 'Why'],
        correction.changes.map((c) => [c.label, showValue(c.from), showValue(c.to), c.reason]),
      ),
    );
  }
  return { title: 'Corrected command line', blocks };
}

function expected({ earlierClaim }: ReportInput, { claim }: Correction): Section {
  const blocks: Block[] = [];
  if (claim) {
    const show = claim.metric.endsWith('Lift') ? signed : figure;
    blocks.push(
      paragraph(
        `Expected of the retrain: **${CLAIM_METRIC_LABELS[claim.metric]} ${show(claim.low)} to ${show(claim.high)}**. Basis: ${claim.basis} ${earlierClaim ? 'The retrain is done.' : 'The claim is stored; the retrain will mark it met or missed.'}`,
      ),
    );
  } else blocks.push(paragraph('No recovery is claimed: nothing in the figures supports a number.'));
  if (earlierClaim) blocks.push(paragraph(`**${earlierClaim.message}**`));
  return { title: 'Expected recovery', blocks };
}
