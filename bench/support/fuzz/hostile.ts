/** Hostile words for names, numbers and paths, and the choice among them by a seeded generator. */
import type { Random } from '#engine/random.ts';

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.integer(values.length)];
}

/** true in `share` of the calls. */
export function chance(random: Random, share: number): boolean {
  return random.uniform() < share;
}

const TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  'two\nlines',
  '\u001b[31mred\u001b[0m',
  '\u202eright to left',
  '\u2028',
  '../../../../etc/passwd',
  '/proc/self/environ',
  'sample',
  '-',
  '--',
  '--data',
  '--help',
  '__proto__',
  'constructor',
  'toString',
  '"',
  "'",
  '\ud800',
  '=1+1',
  '![x](https://example.org)',
  '%s%n',
  '$(id)',
  'x'.repeat(200),
  'x'.repeat(201),
  'x'.repeat(5000),
  '😀'.repeat(100),
];

const NUMBERS: readonly string[] = [
  '0',
  '-0',
  '-1',
  '1e308',
  '1e309',
  '1e-400',
  'NaN',
  'Infinity',
  '-Infinity',
  '0x10',
  '2147483648',
  '9007199254740993',
  '1_000',
  '1,5',
  '１',
  '',
];

/** One of the texts above, or up to 40 random characters of any plane, unpaired surrogates included. */
export function hostileText(random: Random): string {
  if (chance(random, 0.6)) return pick(random, TEXTS);
  const limit = pick(random, [0x80, 0x3000, 0x1_0000, 0x11_0000]);
  return Array.from({ length: random.integer(40) }, () => String.fromCodePoint(random.integer(limit))).join('');
}

/** A number as a word: at the limits of a type, no number at all, or random with up to 17 digits. */
export function hostileNumber(random: Random): string {
  return chance(random, 0.7) ? pick(random, NUMBERS) : String(random.normal() * 10 ** (random.integer(40) - 20));
}
