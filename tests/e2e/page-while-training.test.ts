/** A page is usable while a run trains: every page opens complete and its calls are answered. Timing: bench/responsive.ts. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { openElectronHost } from './support/electron-host.ts';
import type { TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { drawing, goTo, PAGES, retrainOnSample, waitForStatus } from './support/steps.ts';

let chromium: TestBrowser;
beforeAll(async () => {
  chromium = await openChromium();
});
afterAll(() => chromium.close());

describe.each(['node', 'electron'] as const)('on the %s host', (name) => {
  let host: TestHost;
  beforeAll(async () => {
    host =
      name === 'node' ? await openNodeHost(chromium, [resolve('tests/fixtures')]) : await openElectronHost(chromium);
    await retrainOnSample(host.page);
    await waitForStatus(host.page, 'Running');
  });
  afterAll(() => host.close());

  it('opens every page by a click, and the run with charts that move', async () => {
    const { page } = host;
    for (const title of PAGES) await goTo(page, title);
    await goTo(page, 'Runs');
    await page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: 'Running' }).click();
    await page.locator('canvas').first().waitFor();
    const first = await drawing(page);
    await expect.poll(() => drawing(page), { timeout: 30_000 }).not.toBe(first);
    await waitForStatus(page, 'Running');
    expect(host.problems).toEqual([]);
  });

  it('opens a page complete, so that find-in-page reaches what is below the edge of the window', async () => {
    const { page } = host;
    await page.setViewportSize({ width: 1280, height: 400 });
    await goTo(page, 'New run');
    const headings = () => page.getByRole('main').getByRole('heading', { level: 2 }).allTextContents();
    expect((await headings()).join()).toMatch(/Model and loss.*Training.*Gates/);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('answers the calls of the page', async () => {
    const answers = await host.answerTimes();
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.map(({ call }) => call)).toContain('/runs/list');
  });
});
