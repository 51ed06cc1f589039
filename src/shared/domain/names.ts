/** The one rule for names of data sets, runs and plans: one line of text that can be shown and typed again. */
import { z } from 'zod';

export const MAX_NAME_LENGTH = 200;

/** The bundled sample, wherever a file or a data set can be named. */
export const SAMPLE_WORD = 'sample';

/** Control characters and line separators. */
const NOT_PRINTED = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Blanks around a name are dropped. */
export const NameSchema = z
  .string()
  .trim()
  .min(1, 'A name needs at least one character')
  .max(MAX_NAME_LENGTH, `A name has at most ${MAX_NAME_LENGTH} characters`)
  .refine((name) => !NOT_PRINTED.test(name), 'A name is one line without control characters');

/** Of an imported data set; the word "sample" stands for the bundled one. */
export const DatasetNameSchema = NameSchema.refine(
  (name) => name !== SAMPLE_WORD,
  `"${SAMPLE_WORD}" is the name of the bundled sample`,
);

/** The name of a file as a name by the rule; `fallback` where nothing is left of it. */
export function nameFromFile(fileName: string, fallback: string): string {
  const oneLine = fileName.replaceAll(new RegExp(NOT_PRINTED, 'gu'), ' ').trim();
  const name = oneLine.slice(0, MAX_NAME_LENGTH).trim();
  return name === '' ? fallback : name;
}

/** A name as part of a file name, at most 60 characters; empty where nothing is left of it. */
export function fileWords(name: string): string {
  return name
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 60);
}
