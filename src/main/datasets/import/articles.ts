/** The article of each chunk: from a column of numbers or names, or by a rule. M chunks, D width. */
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import type { Column } from '../../formats/columns/table.ts';
import type { ChunkLayout } from './layout.ts';
import type { VectorStoreWriter } from '../vector-store.ts';

/** [M] article numbers in file order; null: not known, or known only when the vectors are. */
export async function readArticles(layout: ChunkLayout, signal?: AbortSignal): Promise<Float64Array | null> {
  const { articles, rule, texts, M } = layout;
  if (articles) {
    return articles.readableAs.includes('integers') ? articles.integers({ signal }) : numberNames(articles, M, signal);
  }
  if (rule?.by === 'file') return fileOfRows(layout);
  return rule?.by === 'prefix' && texts ? articlesByPrefix(texts, M, rule.prefix, signal) : null;
}

/** [M] number of the file that each row is of. */
function fileOfRows({ vectors, M }: ChunkLayout): Float64Array {
  const numbers = new Float64Array(M);
  let end = 0;
  for (const [file, rows] of (vectors.partRows ?? [M]).entries()) numbers.fill(file, end, (end += rows));
  return numbers;
}

/**
 * Articles of several files that each number theirs anew, kept apart: numbered from 0 in order of appearance. null: an
 * article may go on in the next file, as the numbers of its chunks do. `repeats`: chunks with the article and chunk number
 * of an earlier one; null: chunks have no numbers, and an article of an earlier file is another one unless the file begins with the last.
 */
export function articlesApart(
  layout: ChunkLayout,
  numbers: Float64Array | null,
  repeats: number | null,
): Float64Array | null {
  const { partRows = [] } = layout.vectors;
  if (!numbers || partRows.length < 2 || layout.rule) return null;
  const files = fileOfRows(layout);
  if (!(repeats === null ? returns(numbers, files) : repeats > 0)) return null;
  const known = new Map<string, number>();
  return numbers.map((number, row) => {
    const key = `${files[row]}:${number}`;
    let article = known.get(key);
    if (article === undefined) known.set(key, (article = known.size));
    return article;
  });
}

/** Whether an article of an earlier file returns, other than by going on over the end of a file. */
function returns(numbers: Float64Array, files: Float64Array): boolean {
  const lastFile = new Map<number, number>();
  return numbers.some((number, row) => {
    const before = lastFile.get(number) ?? files[row];
    lastFile.set(number, files[row]);
    return before !== files[row] && numbers[row - 1] !== number;
  });
}

/** Names that are all integers are those numbers; others are numbered from 0 in order of appearance. */
async function numberNames(column: Column, M: number, signal?: AbortSignal): Promise<Float64Array> {
  const numbers = new Float64Array(M);
  const known = new Map<string, number>();
  await eachText(column, M, signal, (name, row) => {
    if (name === null) {
      throw new NextvecError('HEADER_MISMATCH', `${column.place}: row ${row} has no article.`, {
        remedy: 'Give every row its article, or choose another column.',
      });
    }
    let number = known.get(name);
    if (number === undefined) known.set(name, (number = known.size));
    numbers[row] = number;
  });
  const names = [...known.keys()];
  const isInteger = (name: string): boolean => Number.isSafeInteger(Number(name)) && String(Number(name)) === name;
  return names.every(isInteger) ? numbers.map((number) => Number(names[number])) : numbers;
}

/** A text that begins with the prefix begins an article. */
async function articlesByPrefix(texts: Column, M: number, prefix: string, signal?: AbortSignal): Promise<Float64Array> {
  const numbers = new Float64Array(M);
  let article = 0;
  let found = false;
  await eachText(texts, M, signal, (text, row) => {
    if (text?.startsWith(prefix)) {
      found = true;
      if (row > 0) article++;
    }
    numbers[row] = article;
  });
  if (found) return numbers;
  throw new NextvecError('BAD_INPUT', `${texts.place}: no text begins with ${JSON.stringify(prefix)}.`, {
    remedy: 'Write the beginning of the first text of each article, or choose another rule.',
  });
}

async function eachText(
  column: Column,
  M: number,
  signal: AbortSignal | undefined,
  take: (text: string | null, row: number) => void,
): Promise<void> {
  let row = 0;
  for await (const block of column.texts({ signal })) {
    throwIfCancelled(signal, 'The import');
    if (row + block.length > M) break;
    for (const text of block) take(text, row++);
  }
  if (row === M) return;
  throw new NextvecError(
    'COUNT_MISMATCH',
    `${column.place}: it does not have exactly ${M} texts, one for each vector.`,
    {
      remedy: 'Write one for each vector, or choose another column.',
    },
  );
}

/** [M]: a new article begins where the cosine of a vector to the one before is below the threshold. `ids`: vector of each row. */
export function articlesByCosine(writer: VectorStoreWriter, ids: Uint32Array, threshold: number): Float64Array {
  const numbers = new Float64Array(ids.length);
  let before = new Float32Array(writer.D);
  let row = new Float32Array(writer.D);
  writer.read(ids[0], before);
  for (let i = 1; i < ids.length; i++) {
    writer.read(ids[i], row);
    numbers[i] = numbers[i - 1] + (cosine(before, row) < threshold ? 1 : 0);
    [before, row] = [row, before];
  }
  return numbers;
}

/** 0 where a vector is zero throughout. */
function cosine(a: Float32Array, b: Float32Array): number {
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let d = 0; d < a.length; d++) {
    product += a[d] * b[d];
    squaresA += a[d] * a[d];
    squaresB += b[d] * b[d];
  }
  return squaresA > 0 && squaresB > 0 ? product / Math.sqrt(squaresA * squaresB) : 0;
}
