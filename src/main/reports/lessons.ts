/** Findings of a finished run and next steps, one sentence each. */
import { percent } from '#shared/domain/figures.ts';
import { modelRow } from '#shared/domain/models/models.ts';
import { seesOrder } from '#shared/domain/recipe/recipe.ts';
import { turningPoint, type Correction } from './correction.ts';
import type { ReportInput } from './input.ts';

const LESSONS: Readonly<Record<string, string>> = {
  LOSS_OUT_OF_BALANCE:
    'Equal λ are not equal weights: MSE is a mean over D dimensions and InfoNCE is divided by τ. Set shares of the gradient, not λ, and look at them in the first minute of a run.',
  BELOW_BASELINE:
    'A cosine without a baseline says nothing. The mean of the context was ahead all along, and the first epoch already showed it.',
  LEAKED_SPLIT:
    'A random split of overlapping windows measures memory. Only the split by article, with its proof, gives a figure worth comparing.',
  OVERFIT:
    'Lift on validation that is gone out of distribution is not learning that helps; gates on OOD lift stop such a run early.',
  WRONG_FORWARD_PASS:
    'Names and shapes that match do not prove the forward pass; only a reproduced golden output does.',
  DIFFERENT_SPACE:
    'A cosine of zero everywhere is a fault of the space or the evaluator until parity and the same-space check say otherwise.',
  EVALUATION_BROKEN: 'Run the baselines on every evaluation set; a set on which they fail cannot judge a model.',
  ALIGNMENT: 'Check what the target is before asking how well it is met.',
  SIGN_FLIP: 'A clearly negative cosine is information: turned round it would be a success.',
  CONSTANT_COLLAPSE: 'Watch diversity against that of the targets from the first epoch; a falling loss hides collapse.',
  DIMENSIONAL_COLLAPSE: 'A good mean cosine can come from few directions; effective rank belongs beside it.',
  HARDER_DATA: 'Absolute cosines belong to the data set. Compare lift.',
  EASIER_OOD: 'An OOD cosine above validation is a property of the set, not a success. Compare lift.',
  SEVERAL_CHANGES: 'Several changes at once cannot be told apart afterwards: change one field at a time.',
};

export function lessons(input: ReportInput, findings: readonly { readonly code: string }[]): string[] {
  const found = [...new Set(findings.map((f) => LESSONS[f.code]).filter((lesson) => lesson !== undefined))];
  const turn = turningPoint(input.subject.epochs);
  if (turn && turn.lost > 0.005)
    found.push(
      `The best epoch was ${turn.epoch}: a gate, or the plateau of the validation loss, could have ended the run there and saved ${percent(1 - turn.epoch / input.subject.epochs.length)} of its time.`,
    );
  return found.length > 0 ? found : ['No rule found a fault; keep the recipe as a reference for later runs.'];
}

export function nextSteps({ subject, baseline }: ReportInput, correction: Correction): string[] {
  const list: string[] = [];
  if (correction.outsideRecipe.length > 0)
    list.push('Mend the data or the evaluation as said above, and evaluate again before any retrain.');
  else if (correction.changes.length > 0)
    list.push('Run the corrected command line; its claim will be marked met or missed.');
  const { oodCosine, valCosine, baselineVal } = subject.run.figures;
  if (oodCosine === null) list.push('Give an OOD set (`--ood`): without it nothing tells learning from memory.');
  if (valCosine !== null && baselineVal !== null && valCosine < baselineVal + 0.01) {
    list.push(
      !seesOrder(subject.run.recipe)
        ? 'This model does not see the order of its context. Where the weighted mean beats the plain mean, order carries signal: try `--model-type gru` or `lstm` with the corrected recipe.'
        : 'The model does not beat the mean of the context; try a smaller learning rate and stronger weight decay before a larger model.',
    );
  }
  const { recipe } = subject.run;
  if (recipe.gates.length === 0 && recipe.epochs > 3 && modelRow(recipe.modelType).training === 'gradient')
    list.push(
      'Set a gate on validation lift at epoch 3 (`--gate 3:valLift:0:stop`), so that a run that loses to the mean of its context ends early.',
    );
  if (baseline) list.push(`Repeat the winner with two more seeds before calling a difference below 0.01 real.`);
  return list.length > 0 ? list : ['Repeat with two more seeds and report mean and spread.'];
}
