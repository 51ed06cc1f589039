import { describe, expect, it } from 'vitest';
import { textPieces } from '../../../src/renderer/features/reports/inline-text.ts';

describe('the marks of a report', () => {
  it('splits code and strong from the rest and loses nothing', () => {
    expect(textPieces('Use `--lr 1e-4`, **not** more.')).toEqual([
      { kind: 'plain', text: 'Use ' },
      { kind: 'code', text: '--lr 1e-4' },
      { kind: 'plain', text: ', ' },
      { kind: 'strong', text: 'not' },
      { kind: 'plain', text: ' more.' },
    ]);
  });

  it('leaves an unpaired mark and markup as they stand', () => {
    for (const text of ['a ` b', '2 ** 3', '<b>x</b>', ''])
      expect(
        textPieces(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text);
  });
});
