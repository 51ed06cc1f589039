/** A Gram mixture in the window, on one thread and the Node host: its fields, the stages of its fit, and why it predicts what it does. */
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openNextvec } from '../support/open.ts';
import { importChunks } from '../support/nextvec.ts';
import { accessibilityProblems } from './support/axe.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { goTo, waitForStatus } from './support/steps.ts';

const EPOCHS = 2;

const home = temporaryHome();
let chromium: TestBrowser;
let host: TestHost;
let page: Page;

async function importData(): Promise<void> {
  const nextvec = await openNextvec(home.path);
  await importChunks(nextvec.client, join(home.path, 'walks.npz'), { articles: 30, chunksPerArticle: 45, D: 64 });
  await nextvec.client.app.settings.set({ threads: 1 });
  await nextvec.close();
}

beforeAll(async () => {
  [chromium] = await Promise.all([openChromium(), importData()]);
  host = await openNodeHost(chromium, [resolve('tests/fixtures/zoo')], { home: home.path });
  page = host.page;
});
afterAll(async () => {
  await host.close();
  await chromium.close();
  home.remove();
});

const region = (title: string) => page.getByRole('region', { name: title, exact: true });

it('chooses the preset, shows the stages of the fit, then the epochs of its gate networks', async () => {
  await goTo(page, 'New run');
  await page.getByRole('button', { name: /^Robust/ }).click();
  expect(await page.getByRole('combobox', { name: 'Model', exact: true }).inputValue()).toBe('gram');
  expect(await page.getByRole('textbox', { name: 'λ MSE' }).count()).toBe(0);
  await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill(String(EPOCHS));
  await page.getByRole('button', { name: /^Start run/ }).click();
  await page.waitForURL(/#\/runs\/.+/);
  const stages = region('Fit').getByRole('listitem');
  await stages.and(page.locator('[aria-current="step"]')).waitFor({ timeout: 300_000 });
  expect(await region('Fit').locator('.label').allTextContents()).toEqual([
    'Clusters',
    'Position weights',
    'Ridges',
    'Cross-fit 1 of 4',
    'Cross-fit 2 of 4',
    'Cross-fit 3 of 4',
    'Cross-fit 4 of 4',
    'Final fit',
    'Gate networks',
  ]);
  await waitForStatus(page, 'Finished');
  expect(await region('Figures of every epoch').getByRole('row').count()).toBe(1 + EPOCHS);
  expect(await region('Charts').getByRole('heading', { level: 3 }).allTextContents()).toEqual([
    'Cosine to the target',
    'Loss',
  ]);
  expect(await accessibilityProblems(page)).toEqual([]);
});

it('explains a prediction by its parts', async () => {
  await page.getByRole('link', { name: 'Predict shows what each adds' }).click();
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  await page.getByText('Reproduces its golden output').waitFor();
  const why = region('Why this prediction');
  expect(await why.getByRole('paragraph').textContent()).toMatch(/^\d+ % of this prediction is .*; .* \d+ %/);
  // Kinds below 1 % are summed up as others.
  expect(await why.getByRole('rowheader').allTextContents()).toEqual(
    expect.arrayContaining(['Context', 'Neighbours', '256 neighbours', 'Others']),
  );
  expect(await accessibilityProblems(page)).toEqual([]);
  expect(host.problems).toEqual([]);
});
