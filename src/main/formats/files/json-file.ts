/** JSON files written by hand or by other programs (recipes, gates, plans): UTF-8 or UTF-16, with or without a byte order mark. */
import { NextvecError, type ErrorCode } from '#shared/domain/errors.ts';
import type { Plain } from '../pickle/plain.ts';
import { readRegularFileSync } from './regular-file.ts';

/** Recipes and plans are a few kilobytes; a larger file is something else. */
const MAX_BYTES = 1 << 20;

/** Text of a file in UTF-8, or in UTF-16 with a byte order mark (as PowerShell 5 writes). Throws BAD_INPUT for other bytes. */
function readTextFile(path: string): string {
  return decodeText(readRegularFileSync(path, MAX_BYTES), path);
}

/** The value of a JSON file. Throws `code` with the reason where it is no JSON; the message quotes none of its content. */
export function readJsonFile(path: string, code: ErrorCode = 'BAD_INPUT'): unknown {
  return parse(readTextFile(path), path, code);
}

/** As `readJsonFile`, of a file that Python may have written: NaN and infinities, which are no JSON, become null. */
export function readPythonJsonFile(path: string, maxBytes: number): Plain {
  const text = decodeText(readRegularFileSync(path, maxBytes), path);
  return parsePythonJson(text) ?? parse(text, path, 'BAD_INPUT');
}

/** NaN and infinities become null. null also where the text is no JSON. */
export function parsePythonJson(text: string): Plain {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(withoutNonFinite(text));
    } catch {
      return null;
    }
  }
}

/** Strings are matched to be left as they are; one without an end reaches to the end, so that each character is read once. */
function withoutNonFinite(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\[^])*(?:"|$)|-?\b(?:NaN|Infinity)\b/g, (token) =>
    token.startsWith('"') ? token : 'null',
  );
}

function parse(text: string, path: string, code: ErrorCode): Plain {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NextvecError(code, `${path} is not JSON: ${reason(text, String(cause))}.`, {
      remedy: 'Repair the file, or export it again.',
      details: { place: path },
      cause,
    });
  }
}

/** V8 quotes the text around the fault; only the place is taken. */
function reason(text: string, fault: string): string {
  if (text.trim() === '') return 'it is empty';
  if (fault.includes('end of JSON input')) return 'it ends too early';
  const at = /position \d+(?: \(line \d+ column \d+\))?/.exec(fault)?.[0];
  return at ? `see ${at}` : 'it holds a character where JSON allows none';
}

function decodeText(bytes: Uint8Array, path: string): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    // Drops the byte order mark.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new NextvecError('BAD_INPUT', `${path} is not a text file: its bytes are not ${encoding.toUpperCase()}.`, {
      remedy: 'Save it as UTF-8.',
      details: { place: path },
      cause,
    });
  }
}
