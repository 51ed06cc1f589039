import { describe, expect, it } from 'vitest';
import { bullets, chart, code, paragraph, table, type Block } from '../../../src/main/reports/document.ts';
import { renderMarkdown } from '../../../src/main/reports/markdown.ts';

const EMPTY = { title: 'Report', subtitle: 'of today', sections: [] };

function render(...summary: Block[]): string {
  return renderMarkdown({ ...EMPTY, summary }, 'report')
    .text.replace('# Report\n\nof today\n\n', '')
    .trimEnd();
}

describe('names in a Markdown report', () => {
  it.each([
    ['![x](https://example.org/a.png)', '!\\[x\\](https://example.org/a.png)'],
    ['[x](javascript:0)', '\\[x\\](javascript:0)'],
    ['<img src=x>', '&lt;img src=x&gt;'],
    ['&lt;b&gt;', '&amp;lt;b&amp;gt;'],
    ['a_b _c_ *d* ~~e~~', 'a_b \\_c\\_ \\*d\\* \\~\\~e\\~\\~'],
    ['# heading', '\\# heading'],
    ['1. first', '1\\. first'],
    ['- item', '\\- item'],
    ['a\n\n# heading', 'a # heading'],
    ['\u001b[2J', '\\\\u001b\\[2J'],
    ['back\\slash', 'back\\\\slash'],
  ])('%j is escaped', (name, rendered) => {
    expect(render(paragraph(name))).toBe(rendered);
    expect(render(bullets([name]))).toBe(`- ${rendered}`);
  });

  it('keep the marks of the report itself', () => {
    expect(render(paragraph('**0.5** of `a[0]_b`'))).toBe('**0.5** of `a[0]_b`');
  });

  it('cannot end a code span to become markup', () => {
    // The first backtick is escaped, so that only the second one opens a code span.
    expect(render(paragraph('`` ![x](u) `code`'))).toBe('\\`` ![x](u) `code\\`');
  });

  it('do not split a table cell or end a code block', () => {
    expect(render(table('', ['a'], [['x | [y](z)\nw']]))).toContain('| x \\| \\[y\\](z) w |');
    expect(render(code('echo "\n```\n![x](u)"'))).toBe('````sh\necho "\n```\n![x](u)"\n````');
  });

  it('are encoded in the links to charts', () => {
    const empty = { kind: 'lines', title: 'a ](b)', yLabel: 'y', series: [], references: [] } as const;
    const { text, files } = renderMarkdown({ ...EMPTY, summary: [chart(empty, '')] }, 'x) (y');
    expect(text).toContain('![a \\](b)](x%29%20%28y-1.svg)');
    expect(files.map(({ name }) => name)).toEqual(['x) (y-1.svg']);
  });
});
