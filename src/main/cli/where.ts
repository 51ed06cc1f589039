/**
 * `--where` of `nextvec runs`: conditions joined by "and", each FIELD OP VALUE with = != > >= < <= ~ (contains).
 * A field is a path in a run's summary ("recipe.epochs") or one of the short names below. Not a language: no brackets, no "or".
 */
import type { RunSummary } from '#shared/contract/runs.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { valueAt } from '#shared/domain/recipe/recipe-fields.ts';

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
const CONDITION = /^([\w.]+)\s*(!=|>=|<=|=|>|<|~)\s*(?:"([^"]*)"|'([^']*)'|(.+))$/;

interface Condition {
  readonly path: string;
  readonly operator: Operator;
  readonly word: string;
}

function parseCondition(text: string): Condition {
  const [, field, operator, double, single, bare] = CONDITION.exec(text) ?? [];
  if (field === undefined) {
    throw new NextvecError('BAD_INPUT', `--where: "${text}" is not a condition.`, {
      remedy: 'Write FIELD OP VALUE, joined by "and", e.g. "status = finished and valCosine > 0.4".',
    });
  }
  const path = SHORT_NAMES[field] ?? field;
  return { path, operator: operator as Operator, word: (double ?? single ?? bare).trim() };
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
  if (!Number.isFinite(limit)) throw new NextvecError('BAD_INPUT', `--where: "${word}" is not a number.`);
  return { '>': value > limit, '>=': value >= limit, '<': value < limit, '<=': value <= limit }[operator];
}

/** A test for one run; throws BAD_INPUT for what it cannot read, an unknown field included. */
export function parseWhere(text: string): (run: RunSummary) => boolean {
  const conditions = text.split(/\s+and\s+/i).map((part) => parseCondition(part.trim()));
  return (run) =>
    conditions.every(({ path, operator, word }) => {
      if (!(path.split('.')[0] in run)) {
        const fields = [...Object.keys(SHORT_NAMES), ...Object.keys(run)].join(', ');
        throw new NextvecError('BAD_INPUT', `--where: runs have no "${path}".`, { remedy: `Fields: ${fields}.` });
      }
      return compare(valueAt(run, path), operator, word);
    });
}
