/** Which column of a file holds what, and what an article is where no column says so. Names are those of the file. */
import { z } from 'zod';
import { NextvecError } from '../errors.ts';

const ColumnNameSchema = z.string().min(1).max(1000);

/** `file`: each file is an article. `prefix`: a chunk whose text begins so starts one. `split`: so does a chunk whose cosine to the one before is below the threshold. */
export const ArticleRuleSchema = z.discriminatedUnion('by', [
  z.object({ by: z.literal('file') }),
  z.object({ by: z.literal('prefix'), prefix: z.string().min(1).max(1000) }),
  z.object({ by: z.literal('split'), threshold: z.number().min(-1).max(1) }),
]);
export type ArticleRule = z.infer<typeof ArticleRuleSchema>;

export const MappingSchema = z.object({
  /** null: the column is found by name and type. */
  vector: ColumnNameSchema.nullable().default(null),
  article: ColumnNameSchema.nullable().default(null),
  /** Numbers of the chunks in reading order; false: the order of the file; null: found by name, else the order of the file. */
  order: z
    .union([ColumnNameSchema, z.literal(false)])
    .nullable()
    .default(null),
  /** Instead of a column of articles. */
  articles: ArticleRuleSchema.nullable().default(null),
});
export type Mapping = z.infer<typeof MappingSchema>;

/** With the column of the texts. */
export const ColumnsSchema = MappingSchema.extend({ text: ColumnNameSchema.nullable() });
export type Columns = z.infer<typeof ColumnsSchema>;

export const NO_MAPPING: Mapping = { vector: null, article: null, order: null, articles: null };

export const READINGS = ['floats', 'integers', 'texts', 'records'] as const;

export const FileDescriptionSchema = z.object({
  format: z.string(),
  bytes: z.number(),
  columns: z.array(
    z.object({
      name: z.string(),
      /** Element type as it is stored, e.g. `float16`, `text`, `list of numbers`. */
      type: z.string(),
      /** null: not known before the whole file is read. */
      rows: z.int().nullable(),
      /** Axes after the rows: [] for one value a row, [D] for vectors. */
      rowShape: z.array(z.int()),
      /** What it can be imported as: `floats` as vectors, `integers` as order or articles, `texts` as texts or articles. */
      readableAs: z.array(z.enum(READINGS)),
      /** The first rows as text, at most three; empty where they cannot be shown. */
      first: z.array(z.string()),
    }),
  ),
  /** `windows`: the file holds windows, and no mapping is needed. null: no column of vectors is known. */
  kind: z.enum(['windows', 'chunks']).nullable(),
  /** What an import without a mapping would take; `text` is the `textColumn` of an import. */
  guess: ColumnsSchema,
});
export type FileDescription = z.infer<typeof FileDescriptionSchema>;

/** As `parseArticleRule` reads it. */
export function articleRuleText(rule: ArticleRule): string {
  if (rule.by === 'file') return 'by-file';
  return rule.by === 'prefix' ? `prefix:${rule.prefix}` : `split:${rule.threshold}`;
}

/** "vectors from emb, articles from doc_id, order from pos, texts from body". */
export function columnsText({ vector, article, order, articles, text }: Columns): string {
  const named: readonly (readonly [string, string | false | null])[] = [
    ['vectors', vector],
    ['articles', article ?? (articles && articleRuleText(articles))],
    ['order', order],
    ['texts', text],
  ];
  return named.flatMap(([role, name]) => (name ? [`${role} from ${name}`] : [])).join(', ');
}

/** As it is written on the command line: `by-file`, `prefix:TEXT`, `split:THRESHOLD`. Throws BAD_INPUT. */
export function parseArticleRule(word: string): ArticleRule {
  if (word === 'by-file') return { by: 'file' };
  const [, name, rest] = /^(prefix|split):([\s\S]+)$/.exec(word) ?? [];
  const rule = ArticleRuleSchema.safeParse(
    name === 'prefix' ? { by: 'prefix', prefix: rest } : { by: 'split', threshold: Number(rest) },
  );
  if (name !== undefined && rule.success) return rule.data;
  throw new NextvecError('BAD_INPUT', `"${word}" is no rule for articles.`, {
    remedy: 'Write by-file, prefix:TEXT or split:THRESHOLD, a cosine from -1 to 1.',
  });
}
