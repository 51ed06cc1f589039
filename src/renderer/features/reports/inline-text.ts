/** Splits a report's text at its two marks, `code` and **strong**. Pure. */

export interface TextPiece {
  readonly kind: 'plain' | 'code' | 'strong';
  readonly text: string;
}

/** An unpaired mark is kept as text. */
export function textPieces(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let end = 0;
  for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*/g)) {
    if (match.index > end) pieces.push({ kind: 'plain', text: text.slice(end, match.index) });
    const [whole, code, strong]: readonly (string | undefined)[] = match;
    pieces.push(code === undefined ? { kind: 'strong', text: strong ?? '' } : { kind: 'code', text: code });
    end = match.index + (whole ?? '').length;
  }
  if (end < text.length) pieces.push({ kind: 'plain', text: text.slice(end) });
  return pieces;
}
