/** JSON Lines: one JSON object a line. */
import { basename } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';
import type { Row, RowReader } from './row-file.ts';
import { linesOf, plainBytes, type Line } from './text-stream.ts';

const BLOCK_ROWS = 256;
const BLOCK_CHARACTERS = 4 << 20;

export function jsonLines(path: string): RowReader {
  const file = basename(path);
  return async function* (options) {
    let block: Row[] = [];
    let characters = 0;
    for await (const line of linesOf(plainBytes(path, file, options), file)) {
      block.push({ line: line.number, cells: cellsOf(line, file) });
      characters += line.text.length;
      if (block.length < BLOCK_ROWS && characters < BLOCK_CHARACTERS) continue;
      yield block;
      block = [];
      characters = 0;
    }
    if (block.length > 0) yield block;
  };
}

function cellsOf(line: Line, file: string): Map<string, unknown> {
  const value = parse(line, file);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
  throw damaged(`${file}: line ${line.number} is no JSON object`, 'Write one object with named fields a line.');
}

function parse({ text, number, ended }: Line, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!ended && number > 1) {
      const message = `${file}: the last line (${number}) is no JSON, so the file was cut off.`;
      throw new NextvecError('ARCHIVE_TRUNCATED', message, { remedy: 'Copy or download the file again.', cause });
    }
    const why = /\b(NaN|Infinity)\b/.test(text) ? ' (NaN and Infinity are not)' : '';
    throw damaged(`${file}: line ${number} is no JSON${why}`, 'Write each record as one line of JSON.', cause);
  }
}

function damaged(message: string, remedy: string, cause?: unknown): NextvecError {
  return new NextvecError('ARCHIVE_DAMAGED', `${message}.`, { remedy, cause });
}
