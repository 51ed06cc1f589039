/**
 * Texts of numpy arrays, block by block: `U` is UTF-32, `S` is bytes (UTF-8, else Latin-1), both padded with zeros; object
 * arrays hold strings, or lists of them. null: the entry is no text.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NextvecError, throwIfCancelled } from '#shared/domain/errors.ts';
import { MemberReader, readWhole } from '../files/bytes.ts';
import { PickleBudget } from '../pickle/budget.ts';
import { readPickle } from '../pickle/read.ts';
import { PickledArray, type PickleValue } from '../pickle/values.ts';
import type { StoredArray } from './stored-array.ts';
import { elementsOf, type ReadOptions, type Text } from './table.ts';

const BLOCK_BYTES = 2 << 20;
const BLOCK_TEXTS = 4096;
const UTF32_BYTES = 4;
/** Longest element of a fixed-width array: a million characters. */
const MAX_ELEMENT_BYTES = 4 << 20;
const MAX_PICKLE_BYTES = 512 << 20;
/** Strings of a pickle in memory, beside the pickle itself. */
const MAX_VALUE_BYTES = 1536 * 2 ** 20;

export function readTexts(array: StoredArray, options: ReadOptions = {}): AsyncGenerator<readonly Text[], void> {
  return array.dtype.kind === 'O' ? readObjectTexts(array, options) : readFixedTexts(array, options);
}

async function* readFixedTexts(array: StoredArray, { signal }: ReadOptions): AsyncGenerator<readonly Text[], void> {
  const { dtype, place } = array;
  if (dtype.bytes > MAX_ELEMENT_BYTES) throw tooLarge(place, `its texts take ${dtype.bytes} bytes each`);
  const count = elementsOf(array);
  // Texts of width 0 are all empty.
  const blockTexts = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, dtype.bytes)));
  const reader = new MemberReader(array.member, signal);
  const decode = dtype.kind === 'U' ? utf32Decoder(dtype.littleEndian) : byteText;
  try {
    await reader.read(new Uint8Array(array.dataOffset));
    for (let first = 0; first < count; first += blockTexts) {
      const texts = Math.min(blockTexts, count - first);
      const bytes = Buffer.alloc(texts * dtype.bytes);
      await reader.read(bytes);
      yield Array.from({ length: texts }, (_, i) => decode(bytes.subarray(i * dtype.bytes, (i + 1) * dtype.bytes)));
    }
  } finally {
    await reader.close();
  }
}

function utf32Decoder(littleEndian: boolean): (element: Buffer) => string {
  return (element) => {
    let text = '';
    let end = element.length;
    while (end > 0 && element[end - 1] === 0) end--;
    for (let at = 0; at < end; at += UTF32_BYTES) {
      const point = littleEndian ? element.readUInt32LE(at) : element.readUInt32BE(at);
      text += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
    }
    return littleEndian ? text : text.replace(/\0+$/, '');
  };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes padded with zeros: UTF-8, else Latin-1. */
export function byteText(element: Buffer): string {
  let end = element.length;
  while (end > 0 && element[end - 1] === 0) end--;
  const bytes = element.subarray(0, end);
  try {
    return UTF8.decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

async function* readObjectTexts(array: StoredArray, { signal }: ReadOptions): AsyncGenerator<readonly Text[], void> {
  const { place, member, dataOffset } = array;
  if (member.sizeBytes > MAX_PICKLE_BYTES) {
    throw tooLarge(place, `its pickle has ${member.sizeBytes} bytes; at most ${MAX_PICKLE_BYTES} are read`);
  }
  const bytes = await readWhole(member, MAX_PICKLE_BYTES, signal);
  const value = readPickle(bytes.subarray(dataOffset), place, null, new PickleBudget(place, MAX_VALUE_BYTES));
  const items = value instanceof PickledArray ? value.items : Array.isArray(value) ? value : [value];
  const flat = items.some(isList) ? items.flatMap((item) => listOf(item)) : items;
  for (let first = 0; first < flat.length; first += BLOCK_TEXTS) {
    yield flat.slice(first, first + BLOCK_TEXTS).map(toText);
    await nextTurn();
    throwIfCancelled(signal, 'Reading');
  }
}

function isList(item: PickleValue): boolean {
  return Array.isArray(item) || (item instanceof PickledArray && item.shape.length > 0);
}

function listOf(item: PickleValue): readonly PickleValue[] {
  if (item instanceof PickledArray) return item.items;
  return Array.isArray(item) ? item : [item];
}

function toText(item: PickleValue): Text {
  const value = item instanceof PickledArray && item.shape.length === 0 ? (item.items[0] ?? null) : item;
  if (value instanceof Uint8Array) return byteText(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  return typeof value === 'string' ? value : null;
}

function tooLarge(place: string, why: string): NextvecError {
  return new NextvecError('OUT_OF_RANGE', `${place}: the texts are too large: ${why}.`, {
    remedy: 'Split the file, shorten its texts, or import it with --no-texts.',
    details: { place },
  });
}
