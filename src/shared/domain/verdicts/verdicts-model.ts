/**
 * Verdicts about the model and its training: a wrong forward pass, collapse, a leaked split, over-fit, loss terms out of
 * balance, a model below its baselines.
 */
import {
  SPACE_FREE_BASELINES,
  bestBaseline,
  cosineInterval,
  type Measurement,
  type Reference,
  type Verdict,
} from '../evaluation/evaluation.ts';
import { holdsZero, signedInterval, withInterval } from '../evaluation/interval.ts';
import { count, figure, percent, signed } from '../figures.ts';
import { TERMS, TERM_LABELS, type Term } from '../models/terms.ts';
import { BASELINE_LABELS, type BaselineName, type TermTable } from '../runs/training.ts';
import {
  NOTICEABLE,
  SURE,
  isConstant,
  squaredError,
  uncertainty,
  verdict,
  type Rule,
  type VerdictInput,
} from './verdict-evidence.ts';

const DIMENSIONAL_SHARE = 0.15;
/** A term with λ within this factor of the ruling one, but less than `FORGOTTEN` of the gradient, is out of balance. */
const COMPARABLE_LAMBDA = 0.1;
const FORGOTTEN = 0.05;
const RULING = 0.9;

export function wrongForwardPass({ parity }: VerdictInput): Verdict | null {
  if (parity === null || parity.ok) return null;
  return verdict(
    'WRONG_FORWARD_PASS',
    'error',
    `The checkpoint does not reproduce its own golden output (largest difference ${figure(parity.goldenMaxAbs)}) and validation cosine ` +
      `(Δ ${signed(parity.valCosineDelta)}). The weights were changed, or they run through another forward pass than the one that trained them; no figure of this evaluation may be used.`,
    {
      goldenMaxAbs: parity.goldenMaxAbs,
      goldenMaxRelative: parity.goldenMaxRelative,
      valCosineDelta: parity.valCosineDelta,
    },
  );
}

export const constantCollapse: Rule = ({ measured }) => {
  const { predictions, targets } = measured.diversity;
  if (predictions === null || targets === null || !isConstant(measured)) return null;
  return verdict(
    'CONSTANT_COLLAPSE',
    'error',
    `The predictions are alike whatever the input: their diversity is ${figure(predictions)}, that of the targets ${figure(targets)}. Add a term that spreads them (InfoNCE with a balanced weight) or lower the learning rate.`,
    { diversityPredictions: predictions, diversityTargets: targets, ratio: predictions / targets },
  );
};

export const dimensionalCollapse: Rule = ({ measured }) => {
  const { predictions, targets } = measured.effectiveRank;
  if (predictions === null || targets === null || predictions > DIMENSIONAL_SHARE * targets || isConstant(measured))
    return null;
  return verdict(
    'DIMENSIONAL_COLLAPSE',
    'warning',
    `The predictions vary in about ${predictions.toFixed(1)} dimensions, the targets in ${targets.toFixed(1)}: the model has given up most directions. A variance term with the reachable target 1/√D, or less weight decay, counters it.`,
    { effectiveRankPredictions: predictions, effectiveRankTargets: targets, spreadRatio: measured.spreadRatio },
  );
};

export const leakedSplit: Rule = ({ measured, reference, split }) => {
  const vectors = split?.sharedVectors ?? 0;
  const articles = split?.sharedArticles ?? 0;
  if (split === null || (vectors === 0 && articles === 0)) return null;
  const lost = reference ? lostLift(measured, reference) : null;
  return verdict(
    'LEAKED_SPLIT',
    lost ? 'error' : 'warning',
    `Training and validation share ${count(vectors)} vectors and ${count(articles)} articles (split: ${split.kind}), so the validation cosine flatters` +
      (lost
        ? `: the lift of ${signed(lost.there)} over the ${BASELINE_LABELS[lost.baseline]} is ${signed(lost.here)} on this set.`
        : '.') +
      ' Retrain with a split by article.',
    {
      splitKind: split.kind,
      sharedVectors: vectors,
      sharedArticles: articles,
      liftValidation: lost?.there ?? null,
      liftHere: lost?.here ?? null,
    },
  );
};

interface LostLift {
  readonly baseline: BaselineName;
  readonly there: number;
  readonly here: number;
}

/**
 * Lift over the best space-free baseline: there on validation, gone here. A model whose 95 % interval here lies above its
 * best baseline has gained something that holds, however much more it gains among the articles of its training.
 */
function lostLift(measured: Measurement, reference: Reference): LostLift | null {
  const there = bestBaseline(reference.baselines, SPACE_FREE_BASELINES);
  const baseline = there === null ? null : measured.baselines[there.name];
  const cosine = measured.cosine.mean;
  if (there === null || baseline === null || cosine === null) return null;
  const liftThere = reference.cosine - there.cosine;
  const liftHere = cosine - baseline;
  const noise = SURE * uncertainty(measured, reference);
  if ((measured.intervals?.lift.best?.low ?? 0) > 0) return null;
  const lost = liftThere > 0.01 && liftThere - liftHere > Math.max(NOTICEABLE, 0.6 * liftThere, noise);
  return lost ? { baseline: there.name, there: liftThere, here: liftHere } : null;
}

export const overfit: Rule = ({ measured, reference, split }) => {
  const leaks = (split?.sharedVectors ?? 0) > 0 || (split?.sharedArticles ?? 0) > 0;
  const lost = reference && !leaks ? lostLift(measured, reference) : null;
  if (!lost) return null;
  return verdict(
    'OVERFIT',
    'warning',
    `The lift over the ${BASELINE_LABELS[lost.baseline]} is ${signed(lost.there)} on validation and ${signed(lost.here)} here: what the model learned holds only where it was trained. ` +
      (split === null
        ? 'Over-fit, or a split that leaks: prove the split.'
        : 'The split is proven clean, so this is over-fit: fewer epochs, more weight decay, more data.'),
    {
      liftValidation: lost.there,
      liftHere: lost.here,
      baseline: lost.baseline,
      cosineValidation: reference?.cosine ?? null,
      cosineHere: measured.cosine.mean,
    },
  );
};

export const outOfBalance: Rule = ({ terms, lambda }) => (terms && lambda ? balanceVerdict(terms, lambda) : null);

/** Also drawn while a run trains and before it starts, from the first batches. */
export function balanceVerdict(terms: TermTable, lambda: Readonly<Record<Term, number>>): Verdict | null {
  const share = (term: Term) => terms[term].gradShare ?? 0;
  const active = TERMS.filter((term) => lambda[term] > 0);
  const ruling = active.find((term) => share(term) > RULING);
  if (ruling === undefined) return null;
  const forgotten = active.filter((t) => lambda[t] >= COMPARABLE_LAMBDA * lambda[ruling] && share(t) < FORGOTTEN);
  if (forgotten.length === 0) return null;
  const names = forgotten.map((term) => `${TERM_LABELS[term]} (λ ${lambda[term]}) ${percent(share(term), 2)}`);
  return verdict(
    'LOSS_OUT_OF_BALANCE',
    'warning',
    `Loss out of balance: ${TERM_LABELS[ruling]} (λ ${lambda[ruling]}) has ${percent(share(ruling), 1)} of the gradient` +
      `${terms[ruling].share === null ? '' : ` and ${percent(terms[ruling].share, 1)} of the total`}, ${names.join(', ')}. In effect the run trains on ${TERM_LABELS[ruling]} alone; use Balance to give each term the share you mean.`,
    Object.fromEntries(
      active.flatMap((t) => [
        [`lambda.${t}`, lambda[t]],
        [`share.${t}`, terms[t].share],
        [`gradShare.${t}`, terms[t].gradShare],
      ]),
    ),
  );
}

export const belowBaseline: Rule = ({ measured }) => {
  const best = bestBaseline(measured.baselines, SPACE_FREE_BASELINES);
  const cosine = measured.cosine.mean;
  if (best === null || cosine === null) return null;
  const interval = measured.intervals?.lift[best.name] ?? null;
  const least = interval ? 0.005 : Math.max(0.005, SURE * Math.sqrt(squaredError(measured.cosine.std, measured.rows)));
  if (cosine >= best.cosine - least || (interval !== null && interval.high >= 0)) return null;
  return verdict(
    'BELOW_BASELINE',
    'warning',
    `The model (${figure(cosine)}) does not reach ${BASELINE_LABELS[best.name]} (${figure(best.cosine)}) on the same rows${interval ? `, lift ${signedInterval(cosine - best.cosine, interval)}` : ''}: as it stands, predicting without a model is better.`,
    { cosine, baseline: best.name, baselineCosine: best.cosine, lift: cosine - best.cosine },
  );
};

/** The interval of the lift over the best baseline holds 0. */
export const notDistinguishable: Rule = (input) => {
  const { measured } = input;
  const best = bestBaseline(measured.baselines);
  const interval = measured.intervals?.lift.best ?? null;
  if (best === null || interval === null || !holdsZero(interval) || belowBaseline(input) !== null) return null;
  return verdict(
    'NOT_DISTINGUISHABLE',
    'info',
    `The model (${withInterval(measured.cosine.mean, cosineInterval(measured))}) is not distinguishable from ${BASELINE_LABELS[best.name]} (${figure(best.cosine)}) on these windows: lift ${signedInterval(measured.lift.best, interval)}. More articles would narrow it.`,
    { lift: measured.lift.best, low: interval.low, high: interval.high, baseline: best.name },
  );
};
