/** Texts in tables of a terminal. */
import { shortText } from '#shared/domain/short-text.ts';
import type { Column } from './output.ts';

const WIDTH = 72;

/** A text on one line. */
export function lineOf(text: string | null): string {
  return text === null ? '' : shortText(text.replace(/\s+/g, ' ').trim(), WIDTH);
}

/** The column of texts, where there are any. */
export function textColumn<Row>(texts: readonly (string | null)[], textOf: (row: Row) => string | null): Column<Row>[] {
  return texts.some((text) => text !== null) ? [{ title: 'text', value: (row) => lineOf(textOf(row)) }] : [];
}
