import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRecipeFile } from '../../../src/main/cli/flags/recipe-flags.ts';
import { readJsonFile } from '../../../src/main/formats/files/json-file.ts';
import { testFolder } from '../datasets/helpers.ts';

const VALUE = { name: 'é中', epochs: 1 };
const TEXT = JSON.stringify(VALUE);
const bigEndian = Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16();

it.each([
  ['UTF-8', Buffer.from(TEXT)],
  ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${TEXT}`)],
  ['UTF-16, little-endian', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
  ['UTF-16, big-endian', bigEndian],
])('reads JSON in %s', (_, bytes) => {
  const path = join(testFolder(), 'x.json');
  writeFileSync(path, bytes);
  expect(readJsonFile(path)).toEqual(VALUE);
});

it('reads a recipe in UTF-16', () => {
  const path = join(testFolder(), 'recipe.json');
  writeFileSync(path, Buffer.from('\ufeff{"epochs": 3}', 'utf16le'));
  expect(readRecipeFile(path).recipe.epochs).toBe(3);
});

it.each([
  ['no JSON', 'root:x:0:0:secret', 'where JSON allows none'],
  ['JSON without a comma', '{"secret": 1\n "b": 2}', 'line 2 column'],
  ['empty', '', 'it is empty'],
  ['cut off', '{"a":', 'ends too early'],
])('refuses a file that is %s with its path, quoting none of it', (_, text, words) => {
  const path = join(testFolder(), 'x.json');
  writeFileSync(path, text);
  expect(() => readJsonFile(path, 'BAD_RECIPE')).toThrow(
    expect.objectContaining({ code: 'BAD_RECIPE', message: expect.stringContaining(words) }),
  );
  expect(() => readJsonFile(path)).toThrow(path);
  expect(() => readJsonFile(path)).not.toThrow(/secret/);
});

it('refuses bytes that are not text', () => {
  const path = join(testFolder(), 'x.json');
  writeFileSync(path, Uint8Array.of(0x7b, 0xff, 0x80));
  expect(() => readJsonFile(path)).toThrow(/not a text file.*UTF-8/);
});
