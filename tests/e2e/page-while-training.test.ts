/** A page is usable while a run trains: every page opens complete and its calls are answered. Timing: bench/responsive.ts. */
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importChunks } from '../support/nextvec.ts';
import { openNextvec } from '../support/open.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { openElectronHost } from './support/electron-host.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { drawing, goTo, PAGES, waitForStatus } from './support/steps.ts';

let chromium: TestBrowser;
beforeAll(async () => {
  chromium = await openChromium();
});
afterAll(() => chromium.close());

describe.each(['node', 'electron'] as const)('on the %s host', (name) => {
  const home = temporaryHome();
  let host: TestHost;
  beforeAll(async () => {
    const nextvec = await openNextvec(home.path);
    await importChunks(nextvec.client, join(home.path, 'walks.npz'), { articles: 60, chunksPerArticle: 14, D: 48 });
    await nextvec.client.app.settings.set({ threads: 1 });
    await nextvec.close();
    const options = { home: home.path };
    host =
      name === 'node'
        ? await openNodeHost(chromium, [resolve('tests/fixtures')], options)
        : await openElectronHost(chromium, options);
    await goTo(host.page, 'New run');
    // Longer than the test runs.
    await host.page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('5000');
    await host.page.getByRole('button', { name: /^Start run/ }).click();
    await waitForStatus(host.page, 'Running');
  });
  afterAll(async () => {
    await host.close();
    home.remove();
  });

  it('opens every page by a click, and the run with charts that move', async () => {
    const { page } = host;
    for (const title of PAGES) await goTo(page, title);
    await goTo(page, 'Runs');
    await page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: 'Running' }).click();
    await page.locator('canvas').first().waitFor();
    const first = await drawing(page);
    await expect.poll(() => drawing(page)).not.toBe(first);
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
