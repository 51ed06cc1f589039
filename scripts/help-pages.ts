/**
 * The pages of docs/ as pages of the app: a Vite plugin turns their Markdown into HTML when the app is built. Modules:
 * `virtual:help` (the list of pages with their sections, and a loader of each) and `virtual:help/<page>` (its HTML).
 * Links between pages become routes; links to other files and to the web become plain text, since the app is offline.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Marked, type Tokens } from 'marked';
import type { Plugin } from 'vite';
import { TERM_TABLE } from '../src/shared/domain/models/terms.ts';

// Not from this file's place: electron-vite bundles it into a file at the root.
const DOCS = resolve('docs');

/** Pages in the order of Help, by their name in a route; files below docs/. */
export const HELP_FILES: Readonly<Record<string, string>> = {
  manual: 'MANUAL.md',
  'what-it-is-not': 'WHAT-IT-IS-NOT.md',
  method: 'METHOD.md',
  data: 'DATA.md',
  intervals: 'INTERVALS.md',
  engines: 'ENGINES.md',
  'gram-mixture': 'GRAM-MIXTURE.md',
  scale: 'SCALE.md',
  reliability: 'RELIABILITY.md',
  benchmarks: 'BENCHMARKS.md',
  'benchmarks-data': 'benchmarks/data.md',
  'benchmarks-gram-mixture': 'benchmarks/gram-mixture.md',
  'benchmarks-app': 'benchmarks/app.md',
  'example-least-squares': 'examples/least-squares.md',
  'example-cures': 'examples/cures.md',
  'example-recover': 'examples/recover.md',
  'example-plan': 'examples/plan.md',
  'example-sweep': 'examples/sweep.md',
  'example-claims': 'examples/claims.md',
  'example-different-space': 'examples/different-space.md',
};
const PAGE_OF_FILE = new Map(Object.entries(HELP_FILES).map(([page, file]) => [file, page]));

export interface HelpSection {
  /** As GitHub names a heading: in links after "#". */
  readonly id: string;
  readonly title: string;
}

export interface HelpPage {
  readonly name: string;
  readonly title: string;
  readonly sections: readonly HelpSection[];
  readonly html: string;
  /** Links to a file that does not exist, or to a section that a page does not have. */
  readonly broken: readonly string[];
}

/** GitHub's name of a heading: lower case, spaces as hyphens, other signs left out. */
export function sectionId(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function plainText(text: string): string {
  return text.replaceAll(/[`*]|\]\([^)]*\)|\[/g, '');
}

function sectionsOf(markdown: string): HelpSection[] {
  return new Marked()
    .lexer(markdown)
    .filter((token): token is Tokens.Heading => token.type === 'heading' && token.depth > 1)
    .map(({ text }) => ({ id: sectionId(plainText(text)), title: plainText(text) }));
}

/** The loss terms as a table, which replaces `<!-- terms -->`. */
function termsTable(): string {
  const rows = Object.values(TERM_TABLE).map(({ label, formula, note }) => [label, formula, note]);
  const lines = [['term', 'formula', 'what to know'], ['---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function readMarkdown(file: string): string {
  return readFileSync(join(DOCS, file), 'utf8').replace('<!-- terms -->', termsTable);
}

/** Address in the app of a link in `file`, or null for one that leads out of Help; adds a wrong one to `broken`. */
function routeOf(href: string, file: string, broken: string[]): string | null {
  if (/^[a-z]+:/.test(href)) return null;
  const [path, section = ''] = href.split('#');
  const target = path === '' ? file : relative(DOCS, join(DOCS, dirname(file), path));
  if (!existsSync(join(DOCS, target))) broken.push(href);
  const page = PAGE_OF_FILE.get(target.replaceAll('\\', '/'));
  if (page === undefined) return null;
  if (section !== '' && !sectionsOf(readMarkdown(target)).some(({ id }) => id === section)) broken.push(href);
  return `#/help/${page}${section && `/${encodeURIComponent(section)}`}`;
}

export function renderHelpPage(name: string): HelpPage {
  const file = HELP_FILES[name];
  const markdown = readMarkdown(file);
  const broken: string[] = [];
  const marked = new Marked({
    renderer: {
      // The page has its title in the bar.
      heading({ tokens, depth, text }) {
        const level = Math.min(depth, 4);
        const inner = this.parser.parseInline(tokens);
        return depth === 1 ? '' : `<h${level} id="${sectionId(plainText(text))}" tabindex="-1">${inner}</h${level}>\n`;
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        const route = routeOf(href, file, broken);
        return route === null ? inner : `<a href="${escapeHtml(route)}">${inner}</a>`;
      },
      image: ({ text }) => (text ? `<em>(Figure in docs/: ${escapeHtml(text)})</em>` : ''),
      html: ({ text }) => escapeHtml(text),
      table(token) {
        const cells = (row: readonly Tokens.TableCell[], tag: string): string =>
          `<tr>${row.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`;
        const body = token.rows.map((row) => cells(row, 'td')).join('');
        // Wide tables scroll by themselves, by keyboard too.
        return `<div class="wide" tabindex="0" role="group" aria-label="Table"><table><thead>${cells(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>`;
      },
    },
  });
  const html = marked.parse(markdown, { async: false });
  const title = /^# (.*)$/m.exec(markdown)?.[1] ?? name;
  return { name, title: plainText(title), sections: sectionsOf(markdown), html, broken };
}

const LIST = 'virtual:help';

export function helpPages(): Plugin {
  return {
    name: 'help-pages',
    resolveId: (id) => (id === LIST || id.startsWith(`${LIST}/`) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${LIST}`)) return undefined;
      const name = id.slice(LIST.length + 2);
      const names = name === '' ? Object.keys(HELP_FILES) : [name];
      for (const page of names) this.addWatchFile(join(DOCS, HELP_FILES[page]));
      if (name !== '') return `export default ${JSON.stringify(renderHelpPage(name).html)};`;
      const list = names.map(renderHelpPage).map(({ name, title, sections }) => ({ name, title, sections }));
      const loaders = names.map((page) => `${JSON.stringify(page)}: () => import('${LIST}/${page}')`);
      return `export const pages = ${JSON.stringify(list)};\nexport const loaders = { ${loaders.join(', ')} };`;
    },
  };
}
