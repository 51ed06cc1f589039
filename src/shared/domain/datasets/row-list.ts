/** Lists of rows as a person writes them: "0,5,10-19". */
import { NextvecError } from '../errors.ts';

/** The rows of a list, at most `most`. */
export function parseRows(text: string, most: number): number[] {
  const rows = text.split(',').flatMap((part) => {
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last - first >= most) {
      throw new NextvecError('BAD_INPUT', `"${part}" names no rows.`, { remedy: 'Write them as 0,5,10-19.' });
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  if (rows.length <= most) return rows;
  throw new NextvecError('BAD_INPUT', `${rows.length} rows are too many; at most ${most} are predicted at once.`);
}
