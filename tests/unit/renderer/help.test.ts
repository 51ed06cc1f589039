/** The pages of docs/ as pages of the app. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TERM_TABLE } from '#shared/domain/models/terms.ts';
import { HELP_FILES, renderHelpPage, sectionId } from '../../../scripts/help-pages.ts';

describe.each(Object.keys(HELP_FILES))('help page %s', (name) => {
  const page = renderHelpPage(name);

  it('has a title and no link to a file or section that does not exist', () => {
    expect(page.title).not.toBe('');
    expect(page.broken).toEqual([]);
  });

  it('has the sections of its list, and links to pages of Help only', () => {
    const ids = [...page.html.matchAll(/<h\d id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toEqual(page.sections.map(({ id }) => id));
    for (const [, href] of page.html.matchAll(/<a href="([^"]*)"/g)) expect(href).toMatch(/^#\/help\/[\w-]+/);
  });
});

it('every page of docs/ and docs/benchmarks/ is in Help', () => {
  const below = readdirSync('docs/benchmarks').map((name) => `benchmarks/${name}`);
  const files = [...readdirSync('docs'), ...below].filter((name) => name.endsWith('.md'));
  expect(Object.values(HELP_FILES)).toEqual(expect.arrayContaining(files));
});

it('Method has a row for every loss term', () => {
  const { html } = renderHelpPage('method');
  for (const { label } of Object.values(TERM_TABLE)) expect(html).toContain(`<tr><td>${label}</td>`);
});

it('names sections as GitHub does', () => {
  expect(sectionId('A GPU that fails: what `doctor` says')).toBe('a-gpu-that-fails-what-doctor-says');
});
