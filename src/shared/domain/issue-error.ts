/** What a schema refused as an error; the same for a call's input and for the recipe of a command. */
import { NextvecError } from './errors.ts';
import { issueList } from './short-text.ts';

export interface Issue {
  readonly message: string;
  /** Standard Schema allows `{ key }` for a step. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[];
  /** Of an issue of ours: what to do. */
  readonly params?: { readonly remedy?: string };
}

type Path = readonly PropertyKey[];

/** items[2].recipe.lr */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

function pathOf({ path = [] }: Issue): Path {
  return path.map((step) => (typeof step === 'object' ? step.key : step));
}

/** Issues of a recipe: BAD_RECIPE with the fields of the recipe. */
export function recipeError(issues: readonly Issue[]): NextvecError {
  return refusal('BAD_RECIPE', issues, issues.map(pathOf));
}

/** Issues of a call's input: BAD_INPUT, or BAD_RECIPE where only its `recipe` was refused. */
export function inputError(issues: readonly Issue[]): NextvecError {
  const paths = issues.map(pathOf);
  if (!paths.every(([first]) => first === 'recipe')) return refusal('BAD_INPUT', issues, paths);
  return refusal(
    'BAD_RECIPE',
    issues,
    paths.map((path) => path.slice(1)),
  );
}

function refusal(code: 'BAD_INPUT' | 'BAD_RECIPE', issues: readonly Issue[], paths: readonly Path[]): NextvecError {
  const shown = issues.map(({ message }, i) => ({ message, path: pathText(paths[i]) }));
  const place = shown[0]?.path || null;
  const [{ message, params }] = issues;
  if (issues.length === 1 && params?.remedy !== undefined)
    return new NextvecError(code, message, { remedy: params.remedy, details: { place } });
  return new NextvecError(code, issueList(shown), {
    remedy: 'Correct the values named and try again.',
    details: { place },
  });
}
