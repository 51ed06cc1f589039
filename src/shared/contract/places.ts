/** Where a stored vector stands in its file, and its text. */
import { z } from 'zod';

/** null: not known. */
export const PlaceSchema = z.object({
  vector: z.int(),
  article: z.number().nullable(),
  /** Place in reading order. */
  chunk: z.int().nullable(),
  /** Long texts are cut and end in "…". */
  text: z.string().nullable(),
});
export type Place = z.infer<typeof PlaceSchema>;
