/** In which fields two recipes differ. */
import { RECIPE_FIELDS, hasField, valueAt } from './recipe-fields.ts';
import { unknownTerms, type Recipe } from './recipe.ts';

export interface FieldDifference {
  readonly path: string;
  readonly label: string;
  readonly a: unknown;
  readonly b: unknown;
}

const EXTRA_DIFF_PATHS: readonly (readonly [string, string])[] = [
  ['dataset', 'Data set'],
  ['ood', 'OOD set'],
  ['initFrom', 'Starts from'],
  ['parts', 'Earlier runs as parts'],
  ['sizes', 'Model sizes'],
  ['schedule', 'Schedule'],
  ['gates', 'Gates'],
];

/** Every field of both models in which two recipes differ, in the order of the form. Empty: they train the same. */
export function recipeDiff(a: Recipe, b: Recipe): FieldDifference[] {
  const unknown = new Set([...unknownTerms(a.lambda), ...unknownTerms(b.lambda)]);
  const paths = [
    ...EXTRA_DIFF_PATHS,
    ...RECIPE_FIELDS.filter((field) => hasField(a.modelType, field) && hasField(b.modelType, field)).map(
      (field) => [field.path, field.label] as const,
    ),
    ...[...unknown].map((term) => [`lambda.${term}`, `λ ${term}`] as const),
  ];
  return paths
    .map(([path, label]) => ({ path, label, a: valueAt(a, path), b: valueAt(b, path) }))
    .filter((d) => JSON.stringify(d.a) !== JSON.stringify(d.b));
}

/** Fields that decide how fast or where a run computes, not what it should reach. */
const IMMATERIAL = new Set(['engine', 'threads', 'device', 'gates']);

export function isImmaterial({ path }: Pick<FieldDifference, 'path'>): boolean {
  return IMMATERIAL.has(path);
}
