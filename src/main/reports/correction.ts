/**
 * From verdicts to the next recipe: each change with its reason, and what the retrain is expected to reach. Pure. A
 * change is proposed only where a figure of the run calls for it.
 */
import { gradientShares } from '#shared/domain/recipe/balance.ts';
import type { Claim } from '#shared/domain/verdicts/claims.ts';
import { bestBaseline, type Verdict, type VerdictCode } from '#shared/domain/evaluation/evaluation.ts';
import { figure, percent, signed } from '#shared/domain/figures.ts';
import { recipeDiff } from '#shared/domain/recipe/recipe-diff.ts';
import { withValue } from '#shared/domain/recipe/recipe-fields.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { TERMS, TERM_LABELS, byTerm, type Term } from '#shared/domain/models/terms.ts';
import { BASELINE_LABELS, type EpochRecord } from '#shared/domain/runs/training.ts';
import { balanceVerdict } from '#shared/domain/verdicts/verdicts.ts';
import { verdictsOf, type ReportRun } from './input.ts';

export interface Change {
  readonly path: string;
  readonly label: string;
  readonly from: unknown;
  readonly to: unknown;
  readonly reason: string;
}

export interface Correction {
  readonly recipe: Recipe;
  readonly changes: readonly Change[];
  /** null where nothing supports a figure. */
  readonly claim: Claim | null;
  /** Verdicts that no recipe can fix: they are about the data or the evaluation. */
  readonly outsideRecipe: readonly Verdict[];
}

/** Share of the gradient the regression term keeps when terms are brought into balance. */
const REGRESSION_SHARE = 0.8;
/** Spread of mean cosines between seeds of one recipe. */
const SEED_NOISE = 0.01;

const OUTSIDE_RECIPE = new Set<VerdictCode>([
  'WRONG_FORWARD_PASS',
  'EVALUATION_BROKEN',
  'EVALUATOR_FAULT',
  'DIFFERENT_SPACE',
  'SIGN_FLIP',
  'ALIGNMENT',
]);

interface Proposal {
  readonly path: string;
  readonly to: unknown;
  readonly reason: string;
}

export function correct(subject: ReportRun, baseline: ReportRun | null): Correction {
  const { recipe } = subject.run;
  const verdicts = verdictsOf(subject);
  const has = (code: VerdictCode) => verdicts.some((verdict) => verdict.code === code);
  const proposals = [
    ...rebalance(subject),
    ...variance(recipe),
    ...(has('LEAKED_SPLIT') ? split(recipe) : []),
    ...(has('CONSTANT_COLLAPSE')
      ? slower(recipe, 'The predictions collapsed; a smaller step keeps them apart in the first epochs.')
      : []),
    ...overfitting(subject, has('OVERFIT')),
  ];
  let next = recipe;
  for (const { path, to } of proposals) next = withValue(next, path, to);
  next = RecipeSchema.parse(next);
  const reasons = new Map(proposals.map((p) => [p.path, p.reason]));
  const changes = recipeDiff(recipe, next).map((d) => ({
    path: d.path,
    label: d.label,
    from: d.a,
    to: d.b,
    reason: reasons.get(d.path) ?? '',
  }));
  return {
    recipe: next,
    changes,
    claim: changes.length === 0 ? null : expectation(subject, baseline),
    outsideRecipe: verdicts.filter((verdict) => OUTSIDE_RECIPE.has(verdict.code)),
  };
}

/** λ from the gradient shares of the run itself: MSE leads, the others share the rest as their λ did. */
function rebalance({ run, epochs }: ReportRun): Proposal[] {
  const { lambda } = run.recipe;
  const terms = epochs[epochs.length - 1]?.terms;
  if (!terms || lambda.mse === 0 || balanceVerdict(terms, lambda) === null) return [];
  const given = (term: Term) => terms[term].gradShare ?? 0;
  const others = TERMS.filter((term) => term !== 'mse' && lambda[term] > 0 && given(term) > 0);
  const sum = others.reduce((total, term) => total + lambda[term], 0);
  const asked = (term: Term) => (term === 'mse' ? REGRESSION_SHARE : ((1 - REGRESSION_SHARE) * lambda[term]) / sum);
  const perUnit = TERMS.map((term) => (lambda[term] > 0 ? given(term) / lambda[term] : Number.NaN));
  if (!(perUnit[0] > 0)) return [];
  const ratio = (term: Term) => asked(term) / perUnit[TERMS.indexOf(term)];
  const weights = byTerm((t) =>
    others.includes(t) ? Number((ratio(t) / ratio('mse')).toPrecision(3)) : t === 'mse' ? 1 : lambda[t],
  );
  const shares = gradientShares(weights, [perUnit]);
  return ['mse' as const, ...others].map((term) => ({
    path: `lambda.${term}`,
    to: weights[term],
    reason: `${TERM_LABELS[term]} had ${percent(given(term), 2)} of the gradient at λ ${lambda[term]}; with this weight it has ${percent(shares[term], 2)} at the gradients this run ended with.`,
  }));
}

function variance(recipe: Recipe): Proposal[] {
  if (recipe.lambda.variance === 0 || recipe.varianceTarget === 'reachable') return [];
  return [
    {
      path: 'varianceTarget',
      to: 'reachable',
      reason: 'σ = 1 is out of reach for unit vectors; with 1/√D the hinge can be met and then stops pushing.',
    },
  ];
}

function split(recipe: Recipe): Proposal[] {
  if (recipe.split.kind === 'article') return [];
  return [
    {
      path: 'split.kind',
      to: 'article',
      reason:
        'The split shares vectors between training and validation; only a split by article distinguishes memorising from learning.',
    },
  ];
}

function slower(recipe: Recipe, reason: string): Proposal[] {
  return [{ path: 'lr', to: Number((recipe.lr / 2).toPrecision(3)), reason }];
}

/** The epoch after which validation stopped improving, and its loss since then. */
export function turningPoint(epochs: readonly EpochRecord[]): { readonly epoch: number; readonly lost: number } | null {
  const best = epochs.findLast((record) => record.isBest);
  const last = epochs[epochs.length - 1];
  if (!best || best.valCosine === null || last.valCosine === null || best.epoch === last.epoch) return null;
  return { epoch: best.epoch, lost: best.valCosine - last.valCosine };
}

function overfitting({ run, epochs }: ReportRun, lostLift: boolean): Proposal[] {
  const turn = turningPoint(epochs);
  const proposals: Proposal[] = [];
  if (turn && turn.lost > 0.005 && turn.epoch < 0.6 * epochs.length) {
    proposals.push({
      path: 'epochs',
      to: Math.max(turn.epoch + 2, 3),
      reason: `Validation was best at epoch ${turn.epoch} of ${epochs.length} and lost ${figure(turn.lost)} since; the rest trained on the training set alone.`,
    });
  }
  if (lostLift || (turn && turn.lost > 0.02)) {
    const to = Math.max(0.05, Number((run.recipe.weightDecay * 5).toPrecision(2)));
    proposals.push({
      path: 'weightDecay',
      to,
      reason: 'Training gains that do not carry over call for a stronger pull towards small weights.',
    });
  }
  return proposals;
}

/** The better of what the baseline run and this run reached, less seed noise, up to the strongest simple baseline. */
function expectation(subject: ReportRun, baseline: ReportRun | null): Claim | null {
  const own = subject.run.figures.valCosine;
  const other = baseline?.run.figures.valCosine ?? null;
  const table = subject.epochs[subject.epochs.length - 1]?.baselines ?? {};
  const simple = bestBaseline(
    Object.fromEntries(Object.entries(table).map(([name, f]) => [name, f?.valCosine ?? null])),
  );
  const comparable = baseline !== null && baseline.run.recipe.dataset === subject.run.recipe.dataset;
  if (own === null) return null;
  if (comparable && other !== null && other > own) {
    const high = Math.max(other + SEED_NOISE, simple?.cosine ?? 0);
    return {
      metric: 'valCosine',
      low: round(other - SEED_NOISE),
      high: round(high),
      basis:
        `run #${baseline.run.number} reached ${figure(other)} on the same data without the fault (${signed(other - own)}); less ${SEED_NOISE} that seeds differ by` +
        (simple
          ? `, up to the strongest simple baseline (${BASELINE_LABELS[simple.name]} ${figure(simple.cosine)})`
          : '') +
        '.',
    };
  }
  return {
    metric: 'valCosine',
    low: round(own),
    high: round(Math.max(own + 2 * SEED_NOISE, simple?.cosine ?? 0)),
    basis: `no better run to go by: at least what this run reached (${figure(own)})${simple ? `, up to ${BASELINE_LABELS[simple.name]} (${figure(simple.cosine)})` : ''}.`,
  };
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
