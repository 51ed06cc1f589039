/** axe-core on the page as it stands; the list of what it found, in words. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export type Theme = 'light' | 'dark';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
/** A theme is a set of colours: the other rules find the same in each. */
const RULES_OF_COLOURS = ['color-contrast', 'link-in-text-block'];

async function violations(page: Page, options: axe.RunOptions): Promise<string[]> {
  // Without it a notice that is fading out has next to no contrast.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  // Evaluated over CDP: the page's own policy would refuse a script tag.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(`${axe.source};undefined`);
  return page.evaluate(
    async (runOptions) => {
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, runOptions);
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
      );
    },
    // What passes is not listed node by node.
    { ...options, resultTypes: ['violations' as const] },
  );
}

export function accessibilityProblems(page: Page): Promise<string[]> {
  return violations(page, { runOnly: TAGS });
}

/** What of the colours of the current theme is not accessible. */
export function colourProblems(page: Page): Promise<string[]> {
  return violations(page, { runOnly: { type: 'rule', values: RULES_OF_COLOURS } });
}

/** Lets the page follow a system with this theme. */
export async function showTheme(page: Page, colorScheme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await expect.poll(() => page.evaluate(() => document.documentElement.dataset.theme)).toBe(colorScheme);
}

/** Ends in the light theme. */
export async function problemsInBothThemes(page: Page): Promise<string[]> {
  await showTheme(page, 'dark');
  const dark = await colourProblems(page);
  await showTheme(page, 'light');
  return [...dark, ...(await accessibilityProblems(page))];
}
