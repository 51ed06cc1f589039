/** The import form: what may be chosen for a described file, and the settings that come of it. Pure. */
import type { ImportSettings } from '#shared/contract/datasets.ts';
import type { ArticleRule, FileDescription } from '#shared/domain/datasets/mapping.ts';

type Column = FileDescription['columns'][number];

/** Value of an option that stands for no column. */
export const NONE = '';
const COLUMN = 'column:';
const RULES = { file: 'rule:file', prefix: 'rule:prefix', split: 'rule:split' } as const;
export const PREFIX_RULE = RULES.prefix;
export const SPLIT_RULE = RULES.split;

/** Fields as they are typed; an empty number is the default. */
export interface ImportForm {
  vector: string;
  /** `column:NAME`, or a rule. */
  article: string;
  order: string;
  text: string;
  prefix: string;
  threshold: string | number;
  contextLength: string | number;
  stride: string | number;
  history: string | number;
  crossArticles: boolean;
  normalise: boolean;
  half: boolean;
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** The guess of the description. */
export function formOf({ guess }: FileDescription): ImportForm {
  return {
    vector: guess.vector ?? NONE,
    article: guess.article === null ? NONE : COLUMN + guess.article,
    order: guess.order || NONE,
    text: guess.text ?? NONE,
    prefix: '',
    threshold: 0.3,
    contextLength: '',
    stride: '',
    history: '',
    crossArticles: false,
    normalise: false,
    half: false,
  };
}

const isOneValue = ({ rowShape }: Column): boolean => rowShape.length === 0;
const named = (columns: readonly Column[]): Option[] => columns.map(({ name }) => ({ value: name, label: name }));

export function vectorOptions({ columns }: FileDescription): Option[] {
  const fit = columns.filter(({ rowShape, readableAs }) => rowShape.length === 1 && readableAs.includes('floats'));
  return [{ value: NONE, label: 'Choose…' }, ...named(fit)];
}

export function articleOptions({ columns }: FileDescription): Option[] {
  const fit = columns.filter(
    (column) => isOneValue(column) && (column.readableAs.includes('integers') || column.readableAs.includes('texts')),
  );
  return [
    { value: NONE, label: 'Choose…' },
    ...fit.map(({ name }) => ({ value: COLUMN + name, label: name })),
    { value: RULES.prefix, label: 'No column: one begins with a text that starts with …' },
    { value: RULES.split, label: 'No column: one begins where the cosine drops below …' },
    { value: RULES.file, label: 'No column: the whole file is one article' },
  ];
}

export function orderOptions({ columns }: FileDescription): Option[] {
  const fit = columns.filter((column) => isOneValue(column) && column.readableAs.includes('integers'));
  return [{ value: NONE, label: 'As in the file' }, ...named(fit)];
}

export function textOptions({ columns }: FileDescription): Option[] {
  const fit = columns.filter((column) => isOneValue(column) && column.readableAs.includes('texts'));
  return [{ value: NONE, label: 'None' }, ...named(fit)];
}

/** What a column is used as; empty: not read. */
export function roleOf(name: string, form: ImportForm): string {
  if (name === form.vector) return 'vectors';
  if (form.article === COLUMN + name) return 'articles';
  if (name === form.order) return 'order';
  return name === form.text ? 'texts' : '';
}

/** What is still to be chosen; empty: nothing. */
export function problemOf({ kind }: FileDescription, form: ImportForm): string {
  if (kind === 'windows') return '';
  if (form.vector === NONE) return 'Choose the column of the vectors.';
  if (form.article === NONE) return 'Choose what says to which article a row belongs.';
  if (form.article === RULES.prefix && form.text === NONE) return 'Choose the column of the texts.';
  if (form.article === RULES.prefix && form.prefix === '') return 'Write how the first text of each article begins.';
  return '';
}

/** Of a form without a problem. */
export function settingsOf(path: string, { kind }: FileDescription, form: ImportForm): ImportSettings {
  const own = { path, dtype: form.half ? ('float16' as const) : ('float32' as const), texts: true };
  if (kind === 'windows') return { ...own, normalise: form.normalise };
  const isColumn = form.article.startsWith(COLUMN);
  return {
    ...own,
    mapping: {
      vector: form.vector,
      article: isColumn ? form.article.slice(COLUMN.length) : null,
      order: form.order === NONE ? false : form.order,
      articles: isColumn ? null : ruleOf(form),
    },
    texts: form.text !== NONE,
    textColumn: form.text === NONE ? null : form.text,
    contextLength: countOf(form.contextLength),
    history: countOf(form.history),
    stride: countOf(form.stride) ?? 1,
    crossArticles: form.crossArticles,
    normalise: form.normalise,
  };
}

function ruleOf({ article, prefix, threshold }: ImportForm): ArticleRule {
  if (article === RULES.prefix) return { by: 'prefix', prefix };
  return article === RULES.split ? { by: 'split', threshold: Number(threshold) } : { by: 'file' };
}

function countOf(text: string | number): number | null {
  return text === '' ? null : Number(text);
}
