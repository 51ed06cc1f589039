/**
 * `--where` of `nextvec runs`: conditions joined by "and", each FIELD OP VALUE with = != > >= < <= ~ (contains).
 * A field is a path in a run's summary ("recipe.epochs") or one of the short names below. No brackets, no "or"; a value
 * with spaces or operators stands in quotes. What cannot be read in full is refused.
 */
import type { RunSummary } from '#shared/contract/runs.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { valueAt } from '#shared/domain/recipe/recipe-fields.ts';
import { RUN_FIELDS, runField } from './run-fields.ts';

const SHORT_NAMES: Readonly<Record<string, string>> = {
  valCosine: 'best.valCosine',
  oodCosine: 'best.oodCosine',
  model: 'recipe.modelType',
  modelType: 'recipe.modelType',
  dataset: 'datasetName',
  ood: 'oodName',
  engine: 'engine.name',
  epochs: 'recipe.epochs',
  lr: 'recipe.lr',
  batchSize: 'recipe.batchSize',
  tau: 'recipe.tau',
  seed: 'recipe.seed',
  tag: 'tags',
};

const OPERATORS = ['!=', '>=', '<=', '=', '>', '<', '~'] as const;
type Operator = (typeof OPERATORS)[number];
const ORDERS: readonly Operator[] = ['>', '>=', '<', '<='];
/** Sticky: one condition after the other is read off the text. */
const CONDITION = /\s*([\w.]+)\s*(!=|>=|<=|=|>|<|~)(?![=<>!~])\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>!~;()]+))(?=\s|$)/y;
const AND = /\s+and(?=\s)/iy;

interface Condition {
  readonly path: string;
  readonly operator: Operator;
  readonly word: string;
}

function refuse(message: string, remedy: string): never {
  throw new NextvecError('BAD_INPUT', `--where: ${message}`, { remedy, details: { place: '--where' } });
}

function parseConditions(text: string): Condition[] {
  const conditions: Condition[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  do {
    const match = take(CONDITION);
    if (match === null) refuseRest(text.slice(at));
    const [, field, operator, double, single, bare] = match;
    const path = Object.hasOwn(SHORT_NAMES, field) ? SHORT_NAMES[field] : field;
    const condition = { path, operator: operator as Operator, word: double ?? single ?? bare };
    checkCondition(condition);
    conditions.push(condition);
  } while (take(AND) !== null);
  if (text.slice(at).trim() !== '') refuseRest(text.slice(at));
  return conditions;
}

function refuseRest(rest: string): never {
  const remedy =
    'Write FIELD OP VALUE, joined by "and", with quotes around a value with spaces or signs, e.g. ' +
    '"status = finished and valCosine > 0.4". Operators: = != > >= < <= ~ (contains).';
  refuse(`"${rest.trim()}" is not a condition.`, remedy);
}

/** Refuses fields, order and values that no run can have. */
function checkCondition({ path, operator, word }: Condition): void {
  const field = runField(path);
  if (field === null)
    refuse(`runs have no "${path}".`, `Fields: ${[...Object.keys(SHORT_NAMES), ...RUN_FIELDS].join(', ')}.`);
  const isNumber = word.trim() !== '' && Number.isFinite(Number(word));
  if (ORDERS.includes(operator)) {
    if (!field.isNumber) refuse(`"${path}" is not a number, so it has no order.`, 'Use =, != or ~.');
    if (!isNumber) refuse(`"${word}" is not a number.`, `Compare ${path} with a number.`);
  }
  if (operator !== '=' && operator !== '!=') return;
  if (field.values !== null && !field.values.includes(word))
    refuse(`${path} is never "${word}".`, `It can be ${field.values.join(', ')}.`);
  if (field.isNumber && !isNumber && word !== 'null')
    refuse(`"${word}" is not a number.`, `Compare ${path} with a number.`);
}

function compare(value: unknown, operator: Operator, word: string): boolean {
  const isNull = value === null || value === undefined;
  if (operator === '~')
    return String(isNull ? '' : value)
      .toLowerCase()
      .includes(word.toLowerCase());
  if (operator === '=' || operator === '!=') {
    const number = typeof value === 'number' && word !== '' ? Number(word) : Number.NaN;
    const parts = Array.isArray(value) ? value.map(String) : [isNull ? 'null' : String(value)];
    return (parts.includes(word) || number === value) === (operator === '=');
  }
  if (typeof value !== 'number') return false;
  const limit = Number(word);
  return { '>': value > limit, '>=': value >= limit, '<': value < limit, '<=': value <= limit }[operator];
}

/** A test for one run; throws BAD_INPUT for what it cannot read, unknown fields and impossible values included. */
export function parseWhere(text: string): (run: RunSummary) => boolean {
  const conditions = parseConditions(text);
  return (run) => conditions.every(({ path, operator, word }) => compare(valueAt(run, path), operator, word));
}
