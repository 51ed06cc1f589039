/** Converts an axis to and from form input. Pure. */
import { GRADIENT_TYPES, type ModelType } from '#shared/domain/models/models.ts';
import { AxisSchema, SWEPT_FIELDS, fieldOf, type Axis } from '#shared/domain/plans/sweeps.ts';
import { defaultAt, hasField, type RecipeField } from '#shared/domain/recipe/recipe-fields.ts';
import { isFitted } from '../../stores/model-fields.ts';
import { formatInput } from '../../ui/text/format.ts';

/** Ratio of the ends from which the scale is logarithmic by default. */
const LOG_FROM = 100;

/** What can be varied of a model. Models that are trained in another way need other settings: they are not among the choices. */
export function fieldsOf(model: ModelType): readonly RecipeField[] {
  return SWEPT_FIELDS.filter((field) => hasField(model, field) && !(field.path === 'modelType' && isFitted(model)));
}

/** The default axis of a field: its choices, or its usual range. */
export function freshAxis(path: string): Axis {
  const { choices, usual = [0, 1] } = fieldOf(path);
  if (path === 'modelType') return { kind: 'values', path, values: [...GRADIENT_TYPES] };
  if (choices !== undefined) return { kind: 'values', path, values: [...choices] };
  const high = usual[1];
  // A recipe needs a loss weight above 0, so a term that trains by default stays in.
  const isTrained = path.startsWith('lambda.') && Number(defaultAt(path)) > 0;
  const low = isTrained && usual[0] === 0 ? high / 10 : usual[0];
  // A range that starts at 0 has no log scale.
  const isWide = low > 0 && high / low >= LOG_FROM;
  return { kind: 'range', path, low, high, scale: isWide ? 'log' : 'linear', steps: 3 };
}

export interface AxisText {
  readonly low: string;
  readonly high: string;
  readonly values: string;
  readonly steps: string;
  readonly scale: 'linear' | 'log';
}

export function textOf(axis: Axis): AxisText {
  if (axis.kind === 'values') return { low: '', high: '', values: axis.values.join(', '), steps: '3', scale: 'linear' };
  const { low, high, steps, scale } = axis;
  return { low: formatInput(low), high: formatInput(high), values: '', steps: String(steps), scale };
}

function number(text: string): number {
  return text.trim() === '' ? NaN : Number(text.trim().replace('−', '-').replace(',', '.'));
}

/** The axis, or what is wrong with the input. */
export function readAxis(path: string, text: AxisText): { axis: Axis | null; problem: string | null } {
  const field = fieldOf(path);
  const isChoice = field.kind === 'choice';
  const draft = isChoice
    ? { kind: 'values', path, values: text.values.split(/[,;]\s*/).filter((word) => word !== '') }
    : {
        kind: 'range',
        path,
        low: number(text.low),
        high: number(text.high),
        scale: text.scale,
        steps: number(text.steps),
      };
  const parsed = AxisSchema.safeParse(draft);
  if (!parsed.success) {
    const { path: where, message } = parsed.error.issues[0];
    return { axis: null, problem: `${field.label}, ${where.join(' ')}: ${message}.` };
  }
  const unknown =
    parsed.data.kind === 'values' ? parsed.data.values.find((v) => !field.choices?.includes(String(v))) : undefined;
  if (unknown !== undefined)
    return { axis: null, problem: `${field.label} has ${field.choices?.join(', ') ?? ''}, not "${unknown}".` };
  return { axis: parsed.data, problem: null };
}
