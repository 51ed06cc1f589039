/** axe-core on the page as it stands; the list of what it found, in words. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Without it a notice that is fading out has next to no contrast.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  // Evaluated over CDP: the page's own policy would refuse a script tag.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
    );
  });
}
