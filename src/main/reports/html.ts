/** A report as one self-contained HTML page: style and SVG inside, no script, no link out, fit to print. */
import { escapeXml } from '#shared/domain/text-escapes.ts';
import type { Block, ReportDocument } from './document.ts';
import { renderChart } from './svg.ts';

const STYLE = `
:root{color-scheme:light dark;--ink:#1d1d1f;--soft:#6e6e73;--line:#d2d2d7;--page:#fff;--tint:#f5f5f7}
@media (prefers-color-scheme:dark){:root{--ink:#f5f5f7;--soft:#a1a1a6;--line:#48484a;--page:#1c1c1e;--tint:#2c2c2e}}
body{margin:0 auto;padding:40px 24px 80px;max-width:760px;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}h2{font-size:18px;margin:36px 0 8px;border-top:1px solid var(--line);padding-top:20px}
.subtitle,figcaption,caption{color:var(--soft)}table{border-collapse:collapse;width:100%;margin:12px 0;font-size:13px}caption{text-align:left;padding-bottom:4px}
th,td{text-align:left;padding:5px 8px;border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600}.right{text-align:right;white-space:nowrap}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--tint);border-radius:4px}code{padding:1px 4px}pre{padding:12px;overflow-x:auto;white-space:pre-wrap}pre code{padding:0}
figure{margin:16px 0}svg{max-width:100%;height:auto}figcaption{font-size:13px}.scroll{overflow-x:auto}
@media print{body{max-width:none;padding:0}h2{break-after:avoid}figure,table{break-inside:avoid}}`;

export function renderHtml(document: ReportDocument): string {
  const sections = document.sections.map(
    (section) => `<section><h2>${inline(section.title)}</h2>${section.blocks.map(renderBlock).join('\n')}</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeXml(document.title)}</title><style>${STYLE}</style></head>
<body><main><h1>${inline(document.title)}</h1><p class="subtitle">${inline(document.subtitle)}</p>
${document.summary.map(renderBlock).join('\n')}
${sections.join('\n')}
</main></body></html>
`;
}

/** Escaped text with `code` and **strong**. */
function inline(text: string): string {
  return escapeXml(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${inline(block.text)}</p>`;
    case 'list': {
      const tag = block.ordered ? 'ol' : 'ul';
      return `<${tag}>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</${tag}>`;
    }
    case 'code':
      return `<pre><code>${escapeXml(block.text)}</code></pre>`;
    case 'chart':
      return `<figure>${renderChart(block.chart)}<figcaption>${inline(block.caption)}</figcaption></figure>`;
    case 'table': {
      const side = (i: number) => (block.columns[i]?.align === 'right' ? ' class="right"' : '');
      const head = block.columns.map((c, i) => `<th scope="col"${side(i)}>${inline(c.label)}</th>`).join('');
      const rows = block.rows.map(
        (row) => `<tr>${row.map((text, i) => `<td${side(i)}>${inline(text)}</td>`).join('')}</tr>`,
      );
      const caption = block.caption ? `<caption>${inline(block.caption)}</caption>` : '';
      return `<div class="scroll"><table>${caption}<thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
    }
  }
}
