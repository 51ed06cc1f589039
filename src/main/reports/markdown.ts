/** A report as Markdown (GitHub's dialect). Charts become SVG files beside it, because Markdown cannot hold them. */
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
    return `![${block.chart.title}](${encodeURI(name)})\n\n${escapeText(block.caption)}`;
  };
  const parts = [
    `# ${escapeText(document.title)}`,
    escapeText(document.subtitle),
    ...document.summary.map(render),
    ...document.sections.flatMap((section) => [`## ${escapeText(section.title)}`, ...section.blocks.map(render)]),
  ];
  return { text: `${parts.filter((part) => part !== '').join('\n\n')}\n`, files };
}

/** Text from runs (names, notes) must not become markup; `code` and **strong** of the report itself stay. */
function escapeText(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cell(text: string): string {
  return escapeText(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function renderBlock(block: Exclude<Block, { kind: 'chart' }>): string {
  switch (block.kind) {
    case 'paragraph':
      return escapeText(block.text);
    case 'list':
      return block.items.map((item, i) => `${block.ordered ? `${i + 1}.` : '-'} ${escapeText(item)}`).join('\n');
    case 'code':
      return `\`\`\`sh\n${block.text}\n\`\`\``;
    case 'table': {
      const head = `| ${block.columns.map((c) => cell(c.label)).join(' | ')} |`;
      const rule = `| ${block.columns.map((c) => (c.align === 'right' ? '--:' : '---')).join(' | ')} |`;
      const rows = block.rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
      return [...(block.caption ? [`**${cell(block.caption)}**`, ''] : []), head, rule, ...rows].join('\n');
    }
  }
}
