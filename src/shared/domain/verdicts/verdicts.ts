/**
 * The conclusions the program draws from an evaluation: one small rule each, with the figures it looked at and the
 * sentence a researcher needs. Pure; a rule that lacks a figure stays silent. Rules compare with baselines on the same
 * rows, because absolute cosines depend on the data. The rules stand in `verdicts-set.ts` and `verdicts-model.ts`.
 * Not here: measuring (`engine/evaluation`), verdicts between runs (`compare-runs.ts`).
 */
import type { Severity, Verdict, VerdictCode } from '../evaluation/evaluation.ts';
import type { Rule, VerdictInput } from './verdict-evidence.ts';
import {
  belowBaseline,
  constantCollapse,
  dimensionalCollapse,
  leakedSplit,
  notDistinguishable,
  outOfBalance,
  overfit,
  wrongForwardPass,
} from './verdicts-model.ts';
import { alignment, differentSpace, difficulty, evaluationBroken, shiftedSpace, signFlip } from './verdicts-set.ts';

export type { SplitEvidence, VerdictInput } from './verdict-evidence.ts';
export { balanceVerdict } from './verdicts-model.ts';

const RULES: readonly Rule[] = [
  evaluationBroken,
  signFlip,
  differentSpace,
  shiftedSpace,
  alignment,
  constantCollapse,
  dimensionalCollapse,
  leakedSplit,
  overfit,
  difficulty,
  outOfBalance,
  belowBaseline,
  notDistinguishable,
];

/** Every verdict that the figures support, most serious first; empty for a healthy run. */
export function drawVerdicts(input: VerdictInput): Verdict[] {
  const wrong = wrongForwardPass(input);
  if (wrong) return [wrong];
  const found = RULES.map((rule) => rule(input)).filter((v) => v !== null);
  const explained = found.some((v) => EXPLAINS_LOW_COSINE.has(v.code));
  const kept = explained ? found.filter((v) => !NEEDS_SOUND_EVALUATION.has(v.code)) : found;
  return kept.toSorted((a, b) => SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity]);
}

const SEVERITY_ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };
/** Where one of these holds, the cosine says nothing about how good the model or how hard the set is. */
const EXPLAINS_LOW_COSINE = new Set<VerdictCode>([
  'EVALUATION_BROKEN',
  'EVALUATOR_FAULT',
  'DIFFERENT_SPACE',
  'SIGN_FLIP',
  'ALIGNMENT',
]);
const NEEDS_SOUND_EVALUATION = new Set<VerdictCode>([
  'OVERFIT',
  'HARDER_DATA',
  'EASIER_OOD',
  'BELOW_BASELINE',
  'NOT_DISTINGUISHABLE',
  'SHIFTED_SPACE',
  'CONSTANT_COLLAPSE',
  'DIMENSIONAL_COLLAPSE',
]);
