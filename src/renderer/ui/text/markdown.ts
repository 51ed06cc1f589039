/**
 * Markdown that a user wrote, as HTML for v-html. Raw HTML is shown as text, links lead to http(s) and mailto addresses
 * only, and images become links, so that showing a text loads nothing. Loaded lazily: it brings the Markdown parser.
 */
import { Marked } from 'marked';
import { escapeXml } from '#shared/domain/text-escapes.ts';

const OUTSIDE = /^(https?:\/\/|mailto:)/i;
/** Headings in the text are below those of the page and of its sections. */
const HEADINGS_ABOVE = 2;

function linkTo(href: string, inner: string): string {
  if (!OUTSIDE.test(href)) return inner;
  const address = escapeXml(href);
  return `<a href="${address}" title="${address}" target="_blank" rel="noopener noreferrer">${inner}</a>`;
}

const marked = new Marked({
  // A line break stays one, as in the text field.
  breaks: true,
  renderer: {
    html: ({ text }) => escapeXml(text),
    image: ({ href, text }) => linkTo(href, escapeXml(text || href)),
    link({ href, tokens }) {
      return linkTo(href, this.parser.parseInline(tokens));
    },
    heading({ tokens, depth }) {
      const tag = `h${Math.min(depth + HEADINGS_ABOVE, 6)}`;
      return `<${tag}>${this.parser.parseInline(tokens)}</${tag}>\n`;
    },
  },
});

export function markdownHtml(text: string): string {
  return marked.parse(text, { async: false });
}
