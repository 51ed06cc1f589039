import { describe, expect, it } from 'vitest';
import { textPieces } from '../../../src/renderer/features/reports/inline-text.ts';

describe('report markup', () => {
  it('splits code and strong from plain text without loss', () => {
    expect(textPieces('Use `--lr 1e-4`, **not** more.')).toEqual([
      { kind: 'plain', text: 'Use ' },
      { kind: 'code', text: '--lr 1e-4' },
      { kind: 'plain', text: ', ' },
      { kind: 'strong', text: 'not' },
      { kind: 'plain', text: ' more.' },
    ]);
  });

  it('keeps unpaired marks and HTML as plain text', () => {
    for (const text of ['a ` b', '2 ** 3', '<b>x</b>', ''])
      expect(
        textPieces(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text);
  });
});
