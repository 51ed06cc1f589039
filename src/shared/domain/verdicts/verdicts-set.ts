/**
 * Verdicts about the set and its vectors: broken windows, another space, a wrong sign, shifted windows, harder or easier
 * data. Each rule is silent where a figure it needs was not measured.
 */
import { historyName, type Task } from '../datasets/task.ts';
import {
  SPACE_FREE_BASELINES,
  bestBaseline,
  offsetEntries,
  type Measurement,
  type Verdict,
} from '../evaluation/evaluation.ts';
import { count, figure, percent, signed } from '../figures.ts';
import { BASELINE_LABELS, type BaselineName } from '../runs/training.ts';
import {
  ALIVE,
  NOTHING,
  NOTICEABLE,
  SURE,
  isConstant,
  uncertainty,
  verdict,
  type Rule,
  type VerdictInput,
} from './verdict-evidence.ts';

/** Largest |cosine| over every position and the target; null when nothing was measured. */
function largestOffset(m: Measurement): number | null {
  const values = Object.values(m.offsets).filter((v) => v !== null);
  return values.length === 0 ? null : Math.max(...values.map(Math.abs));
}

/** The best simple baseline does better than with the targets of other windows. */
function belongsTogether({ baselines }: Measurement): boolean {
  const best = bestBaseline(baselines, SPACE_FREE_BASELINES);
  return best === null || best.cosine - Math.max(0, baselines.shuffled ?? 0) > 0.05;
}

/** The control: where the mean of the context fails as well, the set or the evaluation is broken, not the model. */
export const evaluationBroken: Rule = ({ measured, reference }) => {
  const here = bestBaseline(measured.baselines, SPACE_FREE_BASELINES);
  const there = reference && bestBaseline(reference.baselines, SPACE_FREE_BASELINES);
  if (here === null || belongsTogether(measured) || (measured.baselines.contextMean ?? 0) < -NOTHING) return null;
  if (there && there.cosine < ALIVE) return null;
  return verdict(
    'EVALUATION_BROKEN',
    'error',
    `Evaluation broken: even the best simple baseline (${BASELINE_LABELS[here.name]}) does no better than chance in this set (${figure(here.cosine)} against ${figure(measured.baselines.shuffled)} with targets of other windows` +
      `${there ? `, ${figure(there.cosine)} on the validation windows` : ''}). The targets do not belong to these contexts; check how the windows were built before judging the model.`,
    {
      baseline: here.name,
      baselineCosine: here.cosine,
      floor: measured.baselines.shuffled,
      baselineOnValidation: there?.cosine ?? null,
      cosine: measured.cosine.mean,
    },
  );
};

export const signFlip: Rule = ({ measured }) => {
  const cosine = measured.cosine.mean;
  const mean = measured.baselines.contextMean;
  if (cosine === null || cosine > -NOTHING) return null;
  const data = mean !== null && mean < -NOTHING;
  return verdict(
    'SIGN_FLIP',
    'error',
    `The predictions point away from the targets (cosine ${figure(cosine)}); turned round they give ${figure(-cosine)}. ` +
      (data
        ? `The mean of the context does the same (${figure(mean)}), so the targets of this set are negated, not the model.`
        : 'The mean of the context does not, so a sign is wrong in the model or its loss, not in the set.'),
    { cosine, flippedCosine: -cosine, contextMean: mean, faultIn: data ? 'data' : 'model' },
  );
};

export const differentSpace: Rule = (input) => {
  const { measured, reference, space } = input;
  const largest = largestOffset(measured);
  const baseline = bestBaseline(measured.baselines, SPACE_FREE_BASELINES);
  if (largest === null || baseline === null) return null;
  const evidence = {
    cosine: measured.cosine.mean,
    beyondContext: measured.beyondContext,
    largestAtAnyOffset: largest,
    baseline: baseline.name,
    baselineCosine: baseline.cosine,
    meanDirectionCosine: space?.meanDirectionCosine ?? null,
    subspaceOverlap: space?.subspaceOverlap ?? null,
    subspaceChance: space?.subspaceChance ?? null,
    validationCosine: reference?.cosine ?? null,
  };
  if (space?.verdict === 'different') {
    return verdict(
      'DIFFERENT_SPACE',
      'error',
      `Different space: these vectors were not made by the encoder of the training set (mean directions ${figure(space.meanDirectionCosine)}, ` +
        `subspace overlap ${figure(space.subspaceOverlap)} where chance is ${figure(space.subspaceChance)}), though the set is coherent in itself (${BASELINE_LABELS[baseline.name]} ${figure(baseline.cosine)}). ` +
        `What the model adds to its context has cosine ${figure(measured.beyondContext)}; the ${figure(measured.cosine.mean)} in all is the context carried through and says nothing about the model. Embed these texts with the training set's encoder.`,
      evidence,
    );
  }
  return zeroEverywhere(input, largest, baseline, evidence);
};

/** A model that learned has nothing to do with a set that is coherent in itself: another space, or a fault of the evaluator. */
function zeroEverywhere(
  { measured, parity, reference, space }: VerdictInput,
  largest: number,
  baseline: { readonly name: BaselineName; readonly cosine: number },
  evidence: Verdict['evidence'],
): Verdict | null {
  const learned = reference !== null && reference.cosine >= ALIVE;
  if (largest >= NOTHING || baseline.cosine < ALIVE || !learned || isConstant(measured)) return null;
  const zero = `Cosine ≈ 0 at every offset (largest ${figure(largest)}) while ${BASELINE_LABELS[baseline.name]} reaches ${figure(baseline.cosine)} on the same rows`;
  if (parity?.ok && space === null) {
    return verdict(
      'DIFFERENT_SPACE',
      'error',
      `${zero}, and the checkpoint reproduces its golden output: the set is in a different space than the training set (another encoder, rotation or order of dimensions). Embed these texts with the training set's encoder.`,
      evidence,
    );
  }
  return verdict(
    'EVALUATOR_FAULT',
    'error',
    `${zero}${space ? ` and the set is in the training set's space (${space.verdict})` : ''}: the fault is in the evaluator or the vector space, not in the training. Check that the same forward pass, normalisation and encoder are used as in training.`,
    evidence,
  );
}

export const shiftedSpace: Rule = ({ space }) => {
  if (space?.verdict !== 'shifted') return null;
  return verdict(
    'SHIFTED_SPACE',
    'info',
    `Same encoder, shifted distribution: ${space.reasons.join(' ')} Compare lift over the baselines, not absolute cosines.`,
    {
      meanDirectionCosine: space.meanDirectionCosine,
      subspaceOverlap: space.subspaceOverlap,
      coherenceTraining: space.coherence[0],
      coherenceHere: space.coherence[1],
    },
  );
};

export const alignment: Rule = (input) => alignmentOfSet(input) ?? alignmentOfModel(input);

/** The set's own fault: targets that are not what follows their context. */
function alignmentOfSet({ measured }: VerdictInput): Verdict | null {
  const { checked, agreeing, successorCosine, targetInContext } = measured.alignment;
  const evidence = { checked, agreeing, successorCosine, targetInContext, targetCosine: measured.cosine.mean };
  if (targetInContext !== null && targetInContext > 0.5) {
    return verdict(
      'ALIGNMENT',
      'error',
      `In ${percent(targetInContext)} of the windows the target is one of its own context vectors: the windows are shifted, and copying wins. Build them again with the target after the last context vector.`,
      evidence,
    );
  }
  if (agreeing === null || checked < 20 || agreeing > 0.5 || !belongsTogether(measured)) return null;
  return verdict(
    'ALIGNMENT',
    'error',
    `In ${percent(1 - agreeing)} of the windows that can be checked (${count(checked)}) the target is not the vector that follows the context elsewhere in the file; ` +
      `the prediction's cosine is ${figure(successorCosine)} to that vector and ${figure(measured.cosine.mean)} to the target. The windows of this set are shifted against what the model was trained on.`,
    evidence,
  );
}

/** The context position the prediction is nearest to beyond what the mean of the context is. */
function excessOverContext(m: Measurement, task: Task | null): { key: string; cosine: number; excess: number } | null {
  const positions = offsetEntries(m.offsets).flatMap(([key, cosine], t) => {
    const usual = m.contextMeanOffsets[key] ?? null;
    // An input of history is a mean of many chunks, at no offset from the target.
    const isPosition = key !== 'target' && historyName(t, task) === null;
    return !isPosition || cosine === null || usual === null ? [] : [{ key, cosine, excess: cosine - usual }];
  });
  return positions.toSorted((a, b) => b.excess - a.excess)[0] ?? null;
}

/** The model's fault: it gives back a context position, or wants its context the other way round. */
function alignmentOfModel({ measured, task }: VerdictInput): Verdict | null {
  const target = measured.offsets.target ?? null;
  if (target === null) return null;
  const peak = excessOverContext(measured, task ?? null);
  const mean = measured.baselines.contextMean;
  if (peak && mean !== null && peak.cosine > target && peak.excess > NOTHING && target < mean - NOTICEABLE) {
    return verdict(
      'ALIGNMENT',
      'error',
      `The prediction peaks at context offset ${peak.key} (${figure(peak.cosine)}, ${signed(peak.excess)} above what the mean of the context has there), not at the target (${figure(target)}): the model gives back a vector it was shown. Its training targets were shifted by ${1 - Number(peak.key)}.`,
      {
        peakOffset: peak.key,
        peakCosine: peak.cosine,
        excessOverContextMean: peak.excess,
        targetCosine: target,
        contextMean: mean,
      },
    );
  }
  const { base, reversed } = measured.orderAblations;
  if (base !== null && reversed !== null && reversed - base > NOTICEABLE) {
    return verdict(
      'ALIGNMENT',
      'error',
      `With the context reversed the cosine rises from ${figure(base)} to ${figure(reversed)}: the positions of this set run the other way than in training.`,
      { targetCosine: base, reversedCosine: reversed },
    );
  }
  return null;
}

/** Model and baseline moved together: the set is harder, or easier, for everybody. */
export const difficulty: Rule = ({ measured, reference }) => {
  const cosine = measured.cosine.mean;
  const baseline = reference && bestBaseline(reference.baselines, SPACE_FREE_BASELINES);
  const here = baseline ? measured.baselines[baseline.name] : null;
  if (cosine === null || reference === null || !baseline || here === null) return null;
  const model = cosine - reference.cosine;
  const moved = here - baseline.cosine;
  const least = Math.max(NOTICEABLE, SURE * uncertainty(measured, reference));
  const evidence = {
    cosineChange: model,
    baselineChange: moved,
    baseline: baseline.name,
    cosineHere: cosine,
    cosineValidation: reference.cosine,
  };
  const figures = `the model ${signed(model)}, ${BASELINE_LABELS[baseline.name]} ${signed(moved)} against validation`;
  if (model > least && moved > 0.4 * model) {
    return verdict(
      'EASIER_OOD',
      'info',
      `An easier set: ${figures}. A cosine above validation is no sign of generalisation here; read the lift.`,
      evidence,
    );
  }
  if (model < -least && moved < 0.4 * model && Math.abs(model - moved) <= Math.max(NOTICEABLE, 0.5 * Math.abs(model))) {
    return verdict(
      'HARDER_DATA',
      'info',
      `A harder set: ${figures}. Both fell alike, so the model generalises as far as the data allow; read the lift.`,
      evidence,
    );
  }
  return null;
};
