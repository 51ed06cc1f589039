/** The rule for names of data sets, runs and plans. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatasetNameSchema, MAX_NAME_LENGTH, NameSchema, nameFromFile } from '#shared/domain/names.ts';

describe('a name', () => {
  test.each([
    '',
    '   ',
    'two\nlines',
    'tab\tbed',
    '\u001B[31mred',
    'line\u2028separator',
    'x'.repeat(201),
    'x'.repeat(5000),
  ])('is not %j', (name) => {
    expect(NameSchema.safeParse(name).success).toBe(false);
  });

  test.each(['Run 3', 'λ = 0.5', 'données', '=1+1', 'a/b', 'x'.repeat(200), 'sample'])('can be %j', (name) => {
    expect(NameSchema.parse(`  ${name} `)).toBe(name);
  });

  test('of a data set cannot be that of the bundled sample', () => {
    expect(DatasetNameSchema.safeParse(' sample ').success).toBe(false);
    expect(DatasetNameSchema.parse('samples')).toBe('samples');
  });

  test('made from any file name is valid', () => {
    const anyText = fc
      .array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xffff })), { maxLength: 300 })
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(anyText, (text) => {
        const name = nameFromFile(text, 'data');
        expect(NameSchema.parse(name)).toBe(name);
      }),
    );
    expect(nameFromFile('a\nb.npz', 'data')).toBe('a b.npz');
    expect(nameFromFile('x'.repeat(255), 'data')).toHaveLength(MAX_NAME_LENGTH);
  });
});
