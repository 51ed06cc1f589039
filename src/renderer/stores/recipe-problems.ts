/** Schema errors of a recipe as sentences: field, allowed range, default. */
import type { z } from 'zod';
import { RECIPE_FIELDS, defaultAt, valueAt, type RecipeField } from '#shared/domain/recipe/recipe-fields.ts';
import { formatFigure, formatInput } from '../ui/text/format.ts';

/** Labels of fields outside RECIPE_FIELDS. */
const OTHER_LABELS: Readonly<Record<string, string>> = {
  dataset: 'Data set',
  ood: 'OOD set',
  'schedule.factor': 'Factor',
  'schedule.patience': 'Epochs to wait',
  'schedule.threshold': 'Threshold',
  'schedule.warmUp': 'Warm-up',
  'schedule.floor': 'Floor',
};

function labelOf(path: string): string {
  const field = RECIPE_FIELDS.find((f) => f.path === path);
  return field?.label ?? OTHER_LABELS[path] ?? path;
}

function remedyOf(field: RecipeField | undefined): string {
  if (!field) return '';
  const usual = field.usual ? `Usual: ${formatInput(field.usual[0])} to ${formatInput(field.usual[1])}` : '';
  const fallback = defaultAt(field.path);
  const standard = fallback === null || fallback === undefined ? '' : `default ${formatInput(fallback)}`;
  const hint = [usual, standard].filter(Boolean).join(', ');
  return hint === '' ? '' : ` ${hint[0].toUpperCase()}${hint.slice(1)}.`;
}

function sentence(issue: z.core.$ZodIssue, path: string, value: unknown): string {
  const label = labelOf(path);
  const field = RECIPE_FIELDS.find((f) => f.path === path);
  if (path === 'dataset') return 'Choose the data set to train on, or import one.';
  switch (issue.code) {
    case 'too_small':
      return `${label} must be ${issue.inclusive ? 'at least' : 'above'} ${formatFigure(Number(issue.minimum))}.${remedyOf(field)}`;
    case 'too_big':
      return `${label} must be ${issue.inclusive ? 'at most' : 'below'} ${formatFigure(Number(issue.maximum))}.${remedyOf(field)}`;
    case 'invalid_type':
      if (value === null) return `${label} is empty.${remedyOf(field)}`;
      return field?.kind === 'integer' && Number.isFinite(value)
        ? `${label} must be a whole number.${remedyOf(field)}`
        : `${label} must be a number.${remedyOf(field)}`;
    default:
      return issue.message;
  }
}

/** One sentence a field, by path; "lambda" is about all loss weights together. */
export function recipeProblems(error: z.ZodError, candidate: object): Map<string, string> {
  const problems = new Map<string, string>();
  for (const issue of error.issues) {
    const path = issue.path.join('.');
    if (!problems.has(path)) problems.set(path, sentence(issue, path, valueAt(candidate, path)));
  }
  return problems;
}
