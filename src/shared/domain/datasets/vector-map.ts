/** A data set's vectors in the plane: what the map shows and how it was made. Declarations only; n points drawn. */
import { z } from 'zod';

export const MAP_METHODS = ['pca', 'umap'] as const;
export type MapMethod = (typeof MAP_METHODS)[number];

/** Vectors drawn at most: more would neither be seen nor be laid out in seconds. */
export const MOST_MAPPED = 3000;

/** Side of the split a vector stands on. */
export const MAP_SIDES = ['none', 'train', 'validation', 'both'] as const;
export type MapSide = (typeof MAP_SIDES)[number];

export const VectorMapSchema = z.object({
  method: z.enum(MAP_METHODS),
  /** Coordinates [n]; their scale has no meaning. */
  x: z.instanceof(Float32Array),
  y: z.instanceof(Float32Array),
  /** Number of each vector in the set [n]. */
  vector: z.instanceof(Float64Array),
  /** Article number as in the file [n]; NaN where it is not known, or the vector stands in several. */
  article: z.instanceof(Float64Array),
  /** Index into MAP_SIDES [n]; null where the set has no split (it is not the run's training set, or cannot be split). */
  side: z.instanceof(Float32Array).nullable(),
  /** Cosine of the run's prediction to this vector where it is a target [n], else NaN; null without a run. */
  cosine: z.instanceof(Float32Array).nullable(),
  /** Distinct vectors of the set. */
  vectors: z.int(),
  /** Share of the variance along each axis, of PCA. */
  explained: z.tuple([z.number(), z.number()]).nullable(),
  /** Whose split and cosines these are: "run #3", "the default split (seed 7)". */
  splitOf: z.string(),
});
export type VectorMap = z.infer<typeof VectorMapSchema>;
