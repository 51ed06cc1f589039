/** Markdown of notes as HTML: what is let through. */
import { expect, test } from 'vitest';
import { markdownHtml } from '../../../src/renderer/ui/text/markdown.ts';

test('renders lists, emphasis, code and headings below those of the page', () => {
  expect(markdownHtml('# Result\n- **better**\n- `lr`')).toBe(
    '<h3>Result</h3>\n<ul>\n<li><strong>better</strong></li>\n<li><code>lr</code></li>\n</ul>\n',
  );
});

test('keeps line breaks', () => {
  expect(markdownHtml('one\ntwo')).toBe('<p>one<br>two</p>\n');
});

test('shows raw HTML as text', () => {
  const html = markdownHtml('<script>alert(1)</script>\n\nsee <img src=x onerror=alert(1)> `<b>`');
  expect(html).not.toMatch(/<(script|img|b)\b/);
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
});

test('links lead to web and mail addresses in a window of their own, others are text', () => {
  expect(markdownHtml('[paper](https://example.org/a?b=1&c="2")')).toBe(
    '<p><a href="https://example.org/a?b=1&amp;c=&quot;2&quot;" title="https://example.org/a?b=1&amp;c=&quot;2&quot;" target="_blank" rel="noopener noreferrer">paper</a></p>\n',
  );
  for (const address of ['javascript:alert(1)', 'JAVASCRIPT:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/x'])
    expect(markdownHtml(`[no](${address})`)).toBe('<p>no</p>\n');
});

test('an image is a link, so that nothing is loaded', () => {
  expect(markdownHtml('![a "curve"](https://example.org/x.png)')).toContain('>a &quot;curve&quot;</a>');
  expect(markdownHtml('![](https://example.org/x.png)')).not.toContain('<img');
});
