/**
 * The passport of a data set: what `nextvec inspect` prints and the Data sets page shows, field for field.
 * T context length, D vector width. A figure that was not measured is null, never 0.
 * Norms and values are over every vector as it stands in the file (of the main split where the file holds two).
 */
import { z } from 'zod';
import { ColumnsSchema } from './mapping.ts';

export const WARNING_CODES = [
  'NOT_UNIT',
  'ZERO_ROWS',
  'DUPLICATES',
  'CROSSINGS',
  'METADATA_REFUSED',
  'METADATA_UNUSABLE',
  'SPLITS_OVERLAP',
  'NO_ARTICLES',
  'SHORT_ARTICLES',
  'CHUNKS_REORDERED',
  'CHUNK_GAPS',
  'CHUNKS_REPEATED',
  'ARTICLES_KEPT_APART',
  'VALUES_LOST',
  'RANDOM_SPLIT',
  'FEW_ARTICLES',
  'WINDOWS_DROPPED',
  'TEXTS_UNUSABLE',
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

export const DataWarningSchema = z.object({
  code: z.enum(WARNING_CODES),
  message: z.string(),
  /** How many rows, windows or articles it is about. */
  count: z.int().min(0),
});
export type DataWarning = z.infer<typeof DataWarningSchema>;

const count = z.int().min(0);
const figure = z.number().nullable();

export const CoherenceSchema = z.object({
  /** Mean cosine of neighbouring vectors inside an article (chunks) or of adjacent context rows (windows). */
  mean: figure,
  p10: figure,
  p50: figure,
  p90: figure,
  /** Share of those pairs with a cosine below 0.30. */
  shareBelow030: figure,
});
export type Coherence = z.infer<typeof CoherenceSchema>;

export const TextFiguresSchema = z.object({
  /** Distinct vectors with a text. */
  texts: count,
  /** Of the texts as UTF-8, and as they are stored. */
  bytes: count,
  storedBytes: count,
  /** Columns of the file they were read from. */
  from: z.array(z.string()),
});
export type TextFigures = z.infer<typeof TextFiguresSchema>;

export const PassportSchema = z.object({
  kind: z.enum(['windows', 'chunks']),
  /** Windows file: windows of all splits. Chunks file: vectors. */
  rows: count,
  /** Windows to train on, of all splits. */
  windows: count,
  /** Inputs of a model: chunks of the context, after two derived ones where `history` is not null. */
  T: z.int().min(1),
  /** Most chunks before a window whose mean it reads; null: no history. Sets of earlier versions have none. */
  history: z.int().min(1).nullable().default(null),
  D: z.int().min(1),
  /** Distinct vectors kept, derived ones among them. */
  vectors: count,
  articles: count.nullable(),
  articleRange: z.tuple([z.number(), z.number()]).nullable(),
  norm: z.object({ mean: figure, std: figure, min: figure, max: figure }),
  value: z.object({ mean: figure, std: figure }),
  /** Vectors that are zero throughout. */
  zeroRows: count,
  /** Vectors whose norm is more than 0.001 from 1, zero rows not counted. */
  nonUnitRows: count,
  /** Windows file: sequences that stand a second time. Chunks file: vectors that do. */
  duplicates: count,
  coherence: CoherenceSchema,
  /** Mean cosine of each context position to the target, first position first. */
  positionToTarget: z.array(figure),
  /** Windows that cross the boundary of an article; null where the file does not say. */
  crossings: count.nullable(),
  /** Rows of each split the file itself brings, or null. */
  splits: z.record(z.string(), count).nullable(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * SHA-256 of the stored vectors, windows and articles: equal for the same data in files of any format. Absent in sets of
   * version 0.1.
   */
  contentSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** null: the set has no texts. Absent in sets of version 0.1. */
  texts: TextFiguresSchema.nullable().optional(),
  /** Columns of the chunks, named or guessed; absent: the file holds windows, or the set is of an earlier version. */
  columns: ColumnsSchema.optional(),
  /** float64 sums over all contexts and over all targets of the main split. */
  checksum: z.tuple([z.number(), z.number()]).nullable(),
  warnings: z.array(DataWarningSchema),
});
export type Passport = z.infer<typeof PassportSchema>;

export const COMPARE_VERDICTS = ['same', 'shifted', 'different'] as const;
export type CompareVerdict = (typeof COMPARE_VERDICTS)[number];

export const ComparisonSchema = z.object({
  verdict: z.enum(COMPARE_VERDICTS),
  /** Why, one sentence a reason, with the figures. */
  reasons: z.array(z.string()),
  meanDirectionCosine: figure,
  /** Mean squared cosine of the principal angles between the two leading subspaces; k/D is chance. */
  subspaceOverlap: figure,
  subspaceChance: figure,
  /** Mean cosine of a vector of B to its nearest neighbour in A, against A's own and against scrambled coordinates. */
  nearest: z.object({ across: figure, withinA: figure, withinB: figure, chance: figure }),
  coherence: z.tuple([figure, figure]),
  sharedVectors: count.nullable(),
  /** Articles of B that hold at least one vector of A. */
  sharedArticles: count.nullable(),
  rows: z.array(z.object({ field: z.string(), a: figure, b: figure })),
});
export type Comparison = z.infer<typeof ComparisonSchema>;
