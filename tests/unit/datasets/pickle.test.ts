import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNextvecError } from '#shared/domain/errors.ts';
import { PickledArray, PickledDict, type PickleValue } from '../../../src/main/formats/pickle/values.ts';
import { readPickle } from '../../../src/main/formats/pickle/read.ts';

interface Sample {
  readonly protocol: number;
  readonly base64: string;
  readonly names?: string;
}
/** Written by CPython's pickle and numpy in every protocol. */
const SAMPLES: Record<'plain' | 'evil' | 'scalars' | 'arrays', Sample[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'pickles.json'), 'utf8'),
);

const bytesOf = (sample: Sample): Uint8Array => Buffer.from(sample.base64, 'base64');

function plain(value: PickleValue): unknown {
  if (value instanceof PickledDict)
    return Object.fromEntries(value.keys.map((key, i) => [String(key), plain(value.values[i])]));
  if (value instanceof PickledArray) return value.items.map(plain);
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('plain data', () => {
  it.each(SAMPLES.plain)('reads object arrays of dicts, protocol $protocol', (sample) => {
    const items = plain(readPickle(bytesOf(sample), 'meta'));
    expect(items).toHaveLength(4);
    expect((items as unknown[])[3]).toEqual({
      article_index: 1,
      last_context_article: 0,
      target_chunk_index: 3,
      target_cpe_id: 'cpe-3 é中',
      crosses_article: true,
      score: 0.75,
      none: null,
      tags: ['a', ['b', 2]],
      big: 2n ** 70n,
      neg: -5,
    });
  });

  it.each(SAMPLES.scalars)('numpy scalars, protocol $protocol', (sample) => {
    const expected = { i8: -7, f4: 0.5, f8: 1.25, u2: 65535, b: true, U: 'aé', f2: 1.5 };
    expect(plain(readPickle(bytesOf(sample), 'meta'))).toEqual(expected);
  });

  it.each(SAMPLES.arrays)('numpy arrays inside, protocol $protocol', (sample) => {
    const expected = { n: [0, 1, 2, 3, 4, 5], s: ['ab', 'c'], e: [], f: [1, 2.5] };
    expect(plain(readPickle(bytesOf(sample), 'meta'))).toEqual(expected);
  });

  it('reads a key such as __proto__ as text', () => {
    const dict = new PickledDict();
    dict.set('__proto__', 1);
    expect(dict.get('__proto__')).toBe(1);
    expect(Object.getPrototypeOf(dict)).toBe(PickledDict.prototype);
  });
});

describe('pickles with calls', () => {
  it.each(SAMPLES.evil)('$names, protocol $protocol', (sample) => {
    expect(() => readPickle(bytesOf(sample), 'meta')).toThrow(
      new RegExp(`would call .*${sample.names}|copy_reg|construct`),
    );
    expect(existsSync('PWNED_BY_PICKLE')).toBe(false);
  });

  it.each([
    ['INST', '(S"true"\nios\nsystem\n.', 'os.system'],
    ['OBJ', '(cos\nsystem\nS"true"\no.', 'os.system'],
    ['PERSID', 'Pabc\n.', 'outside the file'],
    ['NEWOBJ', '\x80\x02cnumpy\nndarray\n)\x81.', 'construct'],
    ['BUILD of a dict', '}}b.', 'set the state'],
    ['reduce of ndarray', 'cnumpy\nndarray\n(tR.', 'not understood'],
  ])('%s', (_name, text, message) => {
    expect(() => readPickle(Buffer.from(text, 'latin1'), 'meta')).toThrow(message);
  });
});

function outcome(bytes: Uint8Array): string {
  try {
    readPickle(bytes, 'meta');
    return 'read';
  } catch (error) {
    return isNextvecError(error) ? error.code : String(error);
  }
}

it('reads or refuses mutated pickles without hanging', () => {
  const samples = [...SAMPLES.plain, ...SAMPLES.scalars, ...SAMPLES.arrays].map(bytesOf);
  fc.assert(
    fc.property(
      fc.nat(samples.length - 1),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (i, edits) => {
        const bytes = Uint8Array.from(samples[i]);
        for (const [at, value] of edits) bytes[at % bytes.length] = value;
        expect(outcome(bytes)).toMatch(/^(read|METADATA_REFUSED)$/);
      },
    ),
    { numRuns: 3000 },
  );
});
