/** One axis of a sweep as a word of the command line, e.g. "lr=1e-5..1e-3:log" or "modelType=amn,gru". */
import { RECIPE_FIELDS, fieldNumber, type RecipeField } from '../recipe/recipe-fields.ts';
import { AxisSchema, type Axis } from './sweeps.ts';

/** "learningRate", "lr", "--lr", "lambda.info_nce", "lambda-info" … → the field; null when nothing is meant. */
function fieldByName(name: string): RecipeField | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9λτ]/g, '');
  const wanted = plain(name);
  return (
    RECIPE_FIELDS.find((field) => [field.path, field.flag, field.label].some((text) => plain(text) === wanted)) ?? null
  );
}

/**
 * Reads "lr=1e-5..1e-3:log", "lr=1e-5..1e-3:log:5" (5 points in a grid), "tau=0.05,0.07,0.1" or "modelType=amn,gru".
 * Throws an Error whose sentence says what is wrong and what would be right.
 */
export function parseVary(word: string): Axis {
  const equals = word.indexOf('=');
  const name = word.slice(0, Math.max(0, equals));
  const field = fieldByName(name);
  if (equals < 1 || field === null)
    throw new Error(`"${word}": "${name}" is no field; write FIELD=LOW..HIGH[:log][:STEPS] or FIELD=A,B,C.`);
  const text = word.slice(equals + 1);
  const [range, ...options] = text.split(':');
  const ends = /^(.+)\.\.(.+)$/.exec(range);
  const axis = ends
    ? {
        kind: 'range',
        path: field.path,
        low: Number(ends[1]),
        high: Number(ends[2]),
        scale: options.includes('log') ? 'log' : 'linear',
        ...stepsOf(options),
      }
    : {
        kind: 'values',
        path: field.path,
        values: text.split(',').map((value) => (field.kind === 'choice' ? value : fieldNumber(field, value))),
      };
  const parsed = AxisSchema.safeParse(axis);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ path: where, message }) => `${where.join('.')} ${message}`).join('; ');
  throw new Error(`"${word}": ${why}. Write FIELD=LOW..HIGH[:log][:STEPS] or FIELD=A,B,C.`);
}

function stepsOf(options: readonly string[]): { steps?: number } {
  const steps = options.find((option) => option !== 'log' && option !== 'linear');
  return steps === undefined ? {} : { steps: Number(steps) };
}

/** What `parseVary` reads. */
export function formatVary(axis: Axis): string {
  if (axis.kind === 'values') return `${axis.path}=${axis.values.join(',')}`;
  const { path: name, low, high, scale, steps } = axis;
  return [`${name}=${low}..${high}`, ...(scale === 'log' ? ['log'] : []), ...(steps === 3 ? [] : [steps])].join(':');
}
