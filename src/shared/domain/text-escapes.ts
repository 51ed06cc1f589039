/**
 * Escapes of text that comes from outside (names, paths, notes), each called by the writer of its format and nowhere else:
 * terminal, XML (SVG and HTML), CSV. Markdown: `main/reports/markdown.ts`.
 */

/**
 * C0 except tab and line feed, DEL, C1; line and paragraph separators; marks that turn the direction of text; what no
 * XML may hold, halves of surrogate pairs included.
 */
const CONTROLS =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]|\p{Cs}/gu;

/** Control characters as JSON writes them, e.g. \u001b; tabs and line feeds stay. */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As `escapeControls`, for text that has to stay on one line. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** Text of an XML or HTML element, or of an attribute in double quotes. */
export function escapeXml(text: string): string {
  return escapeControls(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** What spreadsheets take for the start of a formula. */
const FORMULA = /^[=+\-@\t]/;

/** A cell of text: an apostrophe keeps a spreadsheet from reading it as a formula, quotes go around what would split it. */
export function csvText(text: string): string {
  const escaped = escapeControls(text);
  const plain = FORMULA.test(escaped) ? `'${escaped}` : escaped;
  return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
