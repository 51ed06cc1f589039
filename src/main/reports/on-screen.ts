/** A report for the window: the same blocks, with each chart drawn as an SVG document of its own. */
import type { ReportBlock, ReportOnScreen } from '#shared/contract/evaluation.ts';
import type { Block, ReportDocument } from './document.ts';
import { renderChart } from './svg.ts';

export function onScreen({ title, subtitle, summary, sections }: ReportDocument): ReportOnScreen {
  return {
    title,
    subtitle,
    summary: summary.map(block),
    sections: sections.map((section) => ({ title: section.title, blocks: section.blocks.map(block) })),
  };
}

function block(of: Block): ReportBlock {
  switch (of.kind) {
    case 'chart':
      return { kind: 'chart', title: of.chart.title, svg: renderChart(of.chart), caption: of.caption };
    case 'list':
      return { ...of, items: [...of.items] };
    case 'table':
      return { ...of, columns: of.columns.map((c) => ({ ...c })), rows: of.rows.map((row) => [...row]) };
    default:
      return { ...of };
  }
}
