/**
 * A report as data: sections of paragraphs, tables, charts, code. Written once by `root-cause.ts` and `model-card.ts`,
 * rendered by `markdown.ts` and `html.ts`. Inline text knows two marks: `code` and **strong**.
 */
import type { Chart } from './svg.ts';

export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly string[] }
  | {
      readonly kind: 'table';
      readonly caption: string;
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'chart'; readonly chart: Chart; readonly caption: string };

export interface Column {
  readonly label: string;
  readonly align: 'left' | 'right';
}

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface ReportDocument {
  readonly title: string;
  readonly subtitle: string;
  /** Summary. */
  readonly summary: readonly Block[];
  readonly sections: readonly Section[];
}

export const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
export const bullets = (items: readonly string[]): Block => ({ kind: 'list', ordered: false, items });
export const steps = (items: readonly string[]): Block => ({ kind: 'list', ordered: true, items });
export const code = (text: string): Block => ({ kind: 'code', text });
export const chart = (of: Chart, caption: string): Block => ({ kind: 'chart', chart: of, caption });

/** A table with a left-aligned first column; labels starting with "#" align right. */
export function table(caption: string, labels: readonly string[], rows: readonly (readonly string[])[]): Block {
  const columns = labels.map((label) => ({
    label: label.replace(/^#/, ''),
    align: label.startsWith('#') ? ('right' as const) : ('left' as const),
  }));
  return { kind: 'table', caption, columns, rows };
}
