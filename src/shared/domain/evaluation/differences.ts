/**
 * In what runs differ: fields of their recipes, facts of their data and code. An imported run has the defaults where its file
 * states nothing, so they are not compared.
 */
import { recipeDiff, type FieldDifference } from '../recipe/recipe-diff.ts';
import { RECIPE_FIELDS, defaultAt, valueAt } from '../recipe/recipe-fields.ts';
import type { ComparableRun, DifferenceRow, Fact } from './comparison.ts';

const NOT_STATED = 'not stated';
const NOT_KNOWN = 'not known';

type WithRecipe = Pick<ComparableRun, 'recipe' | 'isImported'>;

function isStated({ recipe, isImported }: WithRecipe, path: string): boolean {
  return !isImported || JSON.stringify(valueAt(recipe, path)) !== JSON.stringify(defaultAt(path));
}

/** Fields that both recipes state, with other values. */
export function recipeChanges(base: WithRecipe, run: WithRecipe): FieldDifference[] {
  return recipeDiff(base.recipe, run.recipe).filter(({ path }) => isStated(base, path) && isStated(run, path));
}

/** A row for each field in which a run differs from the first, in the order of the form. */
export function recipeDifferences(runs: readonly ComparableRun[]): DifferenceRow[] {
  const [base, ...others] = runs;
  const paths = new Map(others.flatMap((run) => recipeChanges(base, run).map((d) => [d.path, d.label])));
  const order = ['dataset', 'ood', ...RECIPE_FIELDS.map((field) => field.path), 'schedule', 'gates'];
  const valueOf = (run: ComparableRun, path: string) =>
    isStated(run, path) ? (valueAt(run.recipe, path) ?? null) : NOT_STATED;
  return [...paths]
    .toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([path, label]) => ({ field: path, label, values: runs.map((run) => valueOf(run, path)) }));
}

/** Facts that are not the same for all runs of which they are known; one record a run, without those that are not known. */
export function factDifferences(facts: readonly Readonly<Record<string, Fact>>[]): DifferenceRow[] {
  const names = [...new Set(facts.flatMap((record) => Object.keys(record)))];
  return names
    .filter((name) => new Set(facts.flatMap((record) => (name in record ? [record[name]] : []))).size > 1)
    .map((name) => {
      const values = facts.map((record) => (name in record ? record[name] : NOT_KNOWN));
      return { field: name, label: name, values };
    });
}
