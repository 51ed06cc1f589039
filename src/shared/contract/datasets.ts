/** Calls about data sets: import with progress, list, passport, figures of articles, compare, delete. */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { DatasetNameSchema } from '#shared/domain/names.ts';
import { FileDescriptionSchema, MappingSchema, NO_MAPPING } from '#shared/domain/datasets/mapping.ts';
import { DataExportSchema } from '#shared/domain/datasets/export.ts';
import { PassportSchema } from '#shared/domain/datasets/passport.ts';
import { MAX_CONTEXT, MAX_HISTORY, MAX_STRIDE } from '#shared/domain/datasets/task.ts';
import { SplitSchema } from '#shared/domain/recipe/recipe.ts';
import { WindowTextsSchema } from '#shared/domain/evaluation/inspection.ts';
import { FilePathSchema, mutation, query } from './call.ts';
import { PlaceSchema } from './places.ts';

const ColumnNameSchema = z.string().min(1).max(1000);
const byId = z.object({ id: z.string().min(1) });

export const DatasetSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** File it was imported from. */
  sourcePath: z.string(),
  /** The bundled sample. */
  isSample: z.boolean(),
  importedAt: z.number(),
  windows: z.int(),
  /** Distinct vectors stored. */
  vectors: z.int(),
  /** Inputs of a model: chunks of the context, after two derived ones where the passport has a history. */
  T: z.int(),
  D: z.int(),
  storedBytes: z.number(),
  /** Runs that use it. */
  runCount: z.int(),
  passport: PassportSchema,
});
export type Dataset = z.infer<typeof DatasetSchema>;

export const ImportEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    phase: z.string(),
    /** 0..1, null while unknown. */
    fraction: z.number().nullable(),
    etaMs: z.number().nullable(),
  }),
  z.object({ type: z.literal('done'), dataset: DatasetSchema, alreadyThere: z.boolean() }),
]);
export type ImportEvent = z.infer<typeof ImportEventSchema>;

export const DatasetExportEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), phase: z.string(), fraction: z.number().nullable() }),
  z.object({
    type: z.literal('done'),
    path: z.string(),
    fileName: z.string(),
    rows: z.int(),
    bytes: z.number(),
    /** Flags with which `nextvec import` makes the same windows of the file; empty: none are needed. */
    importFlags: z.string(),
  }),
]);
export type DatasetExportEvent = z.infer<typeof DatasetExportEventSchema>;

export const SplitProofSchema = z.object({
  trainWindows: z.int(),
  valWindows: z.int(),
  trainArticles: z.int().nullable(),
  valArticles: z.int().nullable(),
  /** Counts over train against validation. */
  sharedArticles: z.int().nullable(),
  sharedVectors: z.int(),
  /** Vectors of the OOD set that also stand in the training windows; null without an OOD set. */
  oodSharedVectors: z.int().nullable(),
  ok: z.boolean(),
  warnings: z.array(z.string()),
});
export type SplitProof = z.infer<typeof SplitProofSchema>;

/** Lengths in chunks, and the first articles with their first texts. */
export const ArticlePreviewSchema = z.object({
  shortest: z.int(),
  median: z.int(),
  longest: z.int(),
  first: z.array(z.object({ article: z.number(), length: z.int(), text: z.string().nullable() })),
});
export type ArticlePreview = z.infer<typeof ArticlePreviewSchema>;

export const ImportPreviewSchema = z.object({
  passport: PassportSchema,
  /** null: the file holds windows. */
  articles: ArticlePreviewSchema.nullable(),
});
export type ImportPreview = z.infer<typeof ImportPreviewSchema>;

/** Articles in the order of the file, one value each. */
export const ArticlesSchema = z.object({
  /** Number in the file. */
  article: z.instanceof(Float64Array),
  /** Chunks; windows where the set has no chunks. */
  length: z.instanceof(Float64Array),
  /** Mean cosine of neighbours; NaN: it has none. */
  coherence: z.instanceof(Float32Array),
  /** Chunks (or windows) that repeat an earlier one of the set. */
  duplicates: z.instanceof(Float64Array),
});
export type Articles = z.infer<typeof ArticlesSchema>;

/** Windows of each article on the sides of a split, in the order of `Articles`. */
export const ArticleSidesSchema = z.object({
  train: z.instanceof(Float64Array),
  validation: z.instanceof(Float64Array),
});
export type ArticleSides = z.infer<typeof ArticleSidesSchema>;

/** A vector whose text was found. */
export const TextHitSchema = PlaceSchema.extend({
  /** First window with the vector as its target, else in its context; null: it is in no window. */
  window: z.int().nullable(),
  isTarget: z.boolean(),
});
export type TextHit = z.infer<typeof TextHitSchema>;

export const MOST_HITS = 200;

/** What is read of a file, and how. */
export const ImportSettingsSchema = z.object({
  path: FilePathSchema,
  /** How vectors are stored; null: float16 for a float16 file, else float32. */
  dtype: z.enum(['float32', 'float16']).nullable().default(null),
  /** Windows of a chunk file may cross article boundaries. */
  crossArticles: z.boolean().default(false),
  /** Chunks of a context of windows built from chunks; null: 5. */
  contextLength: z.int().min(1).max(MAX_CONTEXT).nullable().default(null),
  /** Windows also read the mean of up to so many chunks before them and that of the article so far; null: they do not. */
  history: z.int().min(1).max(MAX_HISTORY).nullable().default(null),
  /** Chunks from the start of one window to that of the next, of windows built from chunks. */
  stride: z.int().min(1).max(MAX_STRIDE).default(1),
  /** Scale vectors to length 1. */
  normalise: z.boolean().default(false),
  mapping: MappingSchema.default(NO_MAPPING),
  /** Keep the texts of the file. */
  texts: z.boolean().default(true),
  /** Column of the texts; null: one with a known name. */
  textColumn: ColumnNameSchema.nullable().default(null),
});
export type ImportSettings = z.input<typeof ImportSettingsSchema>;

export const datasetsContract = {
  list: query.output(z.array(DatasetSchema)),
  get: query.input(byId).output(DatasetSchema),
  /** What a file holds, and a guess which column is what; reads its first rows only. */
  describe: query
    .meta({ files: ['path'] })
    .input(z.object({ path: FilePathSchema }))
    .output(FileDescriptionSchema),
  /** What an import would give. It reads and writes as much as the import, then removes it. */
  preview: mutation
    .meta({ files: ['path'] })
    .input(ImportSettingsSchema)
    .output(ImportPreviewSchema),
  /** Imports a file; aborting the iterator cancels and leaves nothing behind. */
  import: mutation
    .meta({ files: ['path'] })
    .input(
      ImportSettingsSchema.extend({
        /** Also of content that is there already. Absent: the file's name for new content. */
        name: DatasetNameSchema.optional(),
      }),
    )
    .output(eventIterator(ImportEventSchema)),
  /** Writes the set to a file in `exports/`; aborting the iterator cancels and leaves nothing behind. */
  export: query.input(byId.extend(DataExportSchema.shape)).output(eventIterator(DatasetExportEventSchema)),
  /** Reads the source of a set anew with its columns and settings; a new set only where the file has changed. */
  importAgain: mutation.input(byId).output(eventIterator(ImportEventSchema)),
  /** Imports the bundled sample (training and OOD) unless it is there already. */
  importSample: mutation.output(z.object({ train: DatasetSchema, ood: DatasetSchema })),
  /** The sample's OOD set with every vector turned by one orthogonal map, as if another encoder had made it. */
  importTurnedSample: mutation.output(DatasetSchema),
  rename: mutation.input(byId.extend({ name: DatasetNameSchema })).output(DatasetSchema),
  /** Deletes the stored copy (never the file it came from); refused while a run uses it unless `force`. */
  delete: mutation
    .input(byId.extend({ force: z.boolean().default(false) }))
    .output(z.object({ freedBytes: z.number() })),
  /** Shows its stored files in the file manager; `shown` is false on a host without one. */
  reveal: query.input(byId).output(z.object({ shown: z.boolean(), folder: z.string() })),
  /** Vectors in the order of the file, with their texts. */
  texts: query
    .input(byId.extend({ first: z.int().min(0).default(0), count: z.int().min(1).max(MOST_HITS).default(20) }))
    .output(z.array(PlaceSchema)),
  /** Texts of the vectors of some windows, in reading order. */
  windowTexts: query
    .input(byId.extend({ windows: z.array(z.int().min(0)).max(MOST_HITS) }))
    .output(z.array(WindowTextsSchema)),
  /** Vectors whose texts hold all words, in the order of the file; the first search of a set builds its index. */
  search: query
    .input(byId.extend({ words: z.string().max(1000), limit: z.int().min(1).max(MOST_HITS).default(20) }))
    .output(z.array(TextHitSchema)),
  /** Split of a data set with the proof that nothing leaks. */
  proveSplit: query
    .input(byId.extend({ split: SplitSchema, seed: z.int().min(0), ood: z.string().nullable().default(null) }))
    .output(SplitProofSchema),
  /** Length, coherence and duplicates of each article; BAD_INPUT where the set does not say its articles. */
  articles: query.input(byId).output(ArticlesSchema),
  articleSides: query.input(byId.extend({ split: SplitSchema, seed: z.int().min(0) })).output(ArticleSidesSchema),
};
