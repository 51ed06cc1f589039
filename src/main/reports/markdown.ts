/** A report as Markdown (GitHub's dialect). Charts become SVG files beside it, because Markdown cannot hold them. */
import { escapeControls, escapeLine } from '#shared/domain/text-escapes.ts';
import type { Block, ReportDocument } from './document.ts';
import { renderChart } from './svg.ts';

export interface RenderedMarkdown {
  readonly text: string;
  /** Charts, by the name the text links to. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

/** `stem` names the chart files: `<stem>-1.svg` and on. */
export function renderMarkdown(document: ReportDocument, stem: string): RenderedMarkdown {
  const files: { name: string; text: string }[] = [];
  const render = (block: Block): string => {
    if (block.kind !== 'chart') return renderBlock(block);
    const name = `${stem}-${files.length + 1}.svg`;
    files.push({ name, text: renderChart(block.chart) });
    return `![${inline(block.chart.title)}](${link(name)})\n\n${paragraph(block.caption)}`;
  };
  const parts = [
    `# ${inline(document.title)}`,
    paragraph(document.subtitle),
    ...document.summary.map(render),
    ...document.sections.flatMap((section) => [`## ${inline(section.title)}`, ...section.blocks.map(render)]),
  ];
  return { text: `${parts.filter((part) => part !== '').join('\n\n')}\n`, files };
}

/** `code` and **strong**, the marks of the report itself. */
const MARKS = /`([^`]+)`|\*\*([^*]+)\*\*/g;

/** One line: text from runs (names, notes) becomes no markup, the report's own marks stay. */
function inline(text: string): string {
  const line = escapeLine(text.replaceAll(/\s*\n\s*/g, ' '));
  let rendered = '';
  let end = 0;
  for (const { 0: mark, 1: code, 2: strong, index } of line.matchAll(MARKS)) {
    rendered += plain(line.slice(end, index)) + (code === undefined ? `**${plain(strong)}**` : `\`${code}\``);
    end = index + mark.length;
  }
  return rendered + plain(line.slice(end));
}

/** Underscores inside words mark nothing, and are frequent in names. */
function plain(text: string): string {
  return text
    .replaceAll(/[\\`*[\]~]/g, '\\$&')
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** What opens a heading, a list or a rule at the start of a line. */
function paragraph(text: string): string {
  return inline(text)
    .replace(/^([#+=-])/, '\\$1')
    .replace(/^(\d+)([.)])/, '$1\\$2');
}

/** Inside code, too, a bar would end the cell. */
function cell(text: string): string {
  return inline(text).replaceAll('|', '\\|');
}

/** Fenced by more backticks than the text has in a row. */
function fenced(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${escapeControls(text)}\n${fence}`;
}

/** A file name as the target of a link. */
function link(name: string): string {
  return encodeURIComponent(name).replaceAll('(', '%28').replaceAll(')', '%29');
}

function renderBlock(block: Exclude<Block, { kind: 'chart' }>): string {
  switch (block.kind) {
    case 'paragraph':
      return paragraph(block.text);
    case 'list':
      return block.items.map((item, i) => `${block.ordered ? `${i + 1}.` : '-'} ${paragraph(item)}`).join('\n');
    case 'code':
      return fenced(block.text);
    case 'table': {
      const head = `| ${block.columns.map((c) => cell(c.label)).join(' | ')} |`;
      const rule = `| ${block.columns.map((c) => (c.align === 'right' ? '--:' : '---')).join(' | ')} |`;
      const rows = block.rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
      return [...(block.caption ? [`**${cell(block.caption)}**`, ''] : []), head, rule, ...rows].join('\n');
    }
  }
}
