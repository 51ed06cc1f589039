/** The part of a text that shows the words searched for. Pure. */
import { searchTerms, type SearchTerm } from '#shared/domain/datasets/search-terms.ts';

export interface Stretch {
  readonly text: string;
  readonly isFound: boolean;
}

/** Most characters shown before the first word found. */
const LEAD = 32;

/**
 * The text from shortly before the first word found to its end, with the words found marked. Words that differ in accents
 * are found by the index but not marked; a text without a mark is shown from its start.
 */
export function excerpt(text: string, words: string): Stretch[] {
  const terms = searchTerms(words);
  const found = terms.length === 0 ? [] : [...text.matchAll(new RegExp(terms.map(pattern).join('|'), 'giu'))];
  const start = found.length === 0 || found[0].index <= LEAD ? 0 : wordStart(text, found[0].index - LEAD);
  const stretches: Stretch[] = [];
  const add = (from: number, to: number, isFound: boolean): void => {
    if (to > from) stretches.push({ text: text.slice(from, to), isFound });
  };
  if (start > 0) stretches.push({ text: '… ', isFound: false });
  let at = start;
  for (const match of found) {
    add(at, match.index, false);
    at = match.index + match[0].length;
    add(match.index, at, true);
  }
  add(at, text.length, false);
  return stretches;
}

/** Matches whole words, whatever stands between the words of a phrase. */
function pattern({ text, isPrefix }: SearchTerm): string {
  const phrase = text.match(/[\p{L}\p{N}]+/gu)!.join('[^\\p{L}\\p{N}]+');
  return `(?<![\\p{L}\\p{N}])${phrase}${isPrefix ? '[\\p{L}\\p{N}]*' : '(?![\\p{L}\\p{N}])'}`;
}

/** Start of the next word at or after `at`. */
function wordStart(text: string, at: number): number {
  const space = text.slice(at).search(/\s/);
  return space < 0 ? at : at + space + 1;
}
