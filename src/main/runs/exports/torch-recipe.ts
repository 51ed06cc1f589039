/** Which recipes the program of resources/torch-project trains. */
import { MODEL_LABELS, modelRow } from '#shared/domain/models/models.ts';
import { unknownTerms, type Recipe, type RecipeProblem } from '#shared/domain/recipe/recipe.ts';

/** Why the PyTorch program cannot train a recipe; null: it can. */
export function torchProblem({ modelType, augment, lambda }: Recipe): RecipeProblem | null {
  if (modelRow(modelType).training === 'fit') {
    return {
      message: `a ${MODEL_LABELS[modelType]} is fitted, not trained by gradient steps`,
      remedy: 'Export it as safetensors and load that with docs/gram_loader.py.',
    };
  }
  if (augment.isometry > 0) {
    return {
      message: 'the program does not turn training windows',
      remedy: 'Train the recipe with --augment 0 and export that run.',
    };
  }
  const [unknown] = unknownTerms(lambda);
  if (unknown === undefined) return null;
  return {
    message: `it has no loss term "${unknown}"`,
    remedy: 'Export it with the version of Nextvec that trained the run.',
  };
}
