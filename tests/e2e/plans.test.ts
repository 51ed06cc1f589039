/** Plans in the window on small data: a gate that cannot be reached, a retry, a kill -9 in the middle, a sweep and its views. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { openNextvec } from '../support/open.ts';
import { accessibilityProblems, colourProblems } from './support/axe.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { temporaryHome, watchConsole } from './support/host.ts';
import { serve, type Server } from './support/node-host.ts';
import { importChunks } from '../support/nextvec.ts';

const LONG_MS = 120_000;
const home = temporaryHome();
let chromium: TestBrowser;
let server: Server;
let page: Page;
let problems: string[];

beforeAll(async () => {
  const nextvec = await openNextvec(home.path);
  const chunks = { articles: 40, chunksPerArticle: 10, D: 16 };
  await importChunks(nextvec.client, join(home.path, 'walks.npz'), chunks);
  await importChunks(nextvec.client, join(home.path, 'walks-ood.npz'), { ...chunks, seed: 8 });
  await nextvec.close();
  chromium = await openChromium();
  server = await serve(home.path, [home.path]);
  page = await chromium.browser.contexts()[0].newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  problems = watchConsole(page);
  await open();
});
afterAll(async () => {
  await page.close();
  await server.stop();
  await chromium.close();
  home.remove();
});

async function open(): Promise<void> {
  // A new start of the host has the same address with another token: the page reloads itself.
  await Promise.all([page.waitForEvent('load'), page.goto(server.url)]);
  await page.getByLabel('Sidebar').getByRole('link', { name: 'Plans' }).click();
  await page.getByRole('heading', { level: 1, name: 'Plans' }).waitFor();
}

function row(key: string): Locator {
  return page.locator(`[data-item="${key}"]`);
}

async function waitForStatus(key: string, status: string): Promise<void> {
  await row(key).getByText(status, { exact: true }).waitFor({ timeout: LONG_MS });
}

async function setMinimum(gate: number, minimum: string): Promise<void> {
  const field = page.getByLabel(`Minimum of gate ${gate}`);
  await field.fill(minimum);
  await field.press('Tab');
}

describe('the plan "recover"', () => {
  it('a missed AMN gate blocks the other models and shows the reason', async () => {
    await page.getByRole('button', { name: 'Plan a recovery' }).click();
    const dialog = page.getByRole('dialog', { name: 'Recover' });
    await dialog.getByLabel('With', { exact: true }).fill('--epochs 1 --batch-size 256 --engine simd');
    await setMinimum(2, '0.9');
    await dialog.getByLabel('AMN with cures and the Gram mixture').uncheck();
    expect(await accessibilityProblems(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Put it into the queue' }).click();
    await waitForStatus('amn', 'Gate missed');
    const reason = row('gru').getByText(
      /amn missed its gate.*OOD lift over the best baseline [−+]0\.\d+, below \+0\.9/,
    );
    await reason.waitFor();
    for (const key of ['lstm', 'gru', 'transformer', 'report']) await waitForStatus(key, 'Not started');
    expect(await row('amn').getByLabel('Gates of AMN').innerText()).toMatch(
      /OOD lift over best baseline ≥ \+0\.9\s*: [−+]0\.\d+ missed/,
    );
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('refuses a retry with the same or an invalid recipe', async () => {
    await row('amn').getByRole('button', { name: 'Retry…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Retry AMN' });
    await dialog.getByRole('button', { name: 'Retry' }).click();
    await dialog.getByText('the same recipe would give the same figures').waitFor();
    await dialog.getByLabel('Change the recipe').fill('--lr -1');
    await dialog.getByText(/Learning rate must be above 0/).waitFor();
    expect(await dialog.getByRole('button', { name: 'Retry' }).isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
  });

  it('continues with a changed recipe across kill -9 and starts the blocked models', async () => {
    await row('amn').getByRole('button', { name: 'Retry…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Retry AMN' });
    await dialog.getByLabel('Change the recipe').fill('--epochs 60 --lr 2e-4');
    await setMinimum(1, '-1');
    await setMinimum(2, '-1');
    await dialog.getByRole('button', { name: 'Retry' }).click();
    await waitForStatus('amn', 'Running');
    const progress = row('amn').getByRole('progressbar');
    await expect
      .poll(async () => Number(await progress.getAttribute('aria-valuenow')), { timeout: LONG_MS })
      .toBeGreaterThan(10);
    const run = await row('amn').getByRole('link').innerText();
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    server = await serve(home.path, [home.path]);
    await open();
    await waitForStatus('amn', 'Done');
    expect(await row('amn').getByRole('link').innerText()).toBe(run);
    await waitForStatus('lstm', 'Running');
    await row('lstm').getByRole('link').waitFor();
    await row('amn').getByRole('link').click();
    await page
      .getByText(/Goes on from step \d+/)
      .first()
      .waitFor();
    // The address follows its page a moment later.
    await page.waitForURL(/#\/runs\/.+/);
    await page.goBack();
  });

  it('items can be reordered by keyboard, skipped and removed', async () => {
    const keys = () =>
      page.locator('[data-item]').evaluateAll((rows) => rows.map((one) => one.getAttribute('data-item')));
    expect(await keys()).toEqual(['amn', 'lstm', 'gru', 'transformer', 'report']);
    await row('transformer').getByRole('button', { name: 'Move Transformer up' }).focus();
    await page.keyboard.press('Alt+ArrowUp');
    await expect.poll(keys).toEqual(['amn', 'lstm', 'transformer', 'gru', 'report']);
    await row('gru').locator('.grip').dragTo(row('transformer'));
    await expect.poll(keys).toEqual(['amn', 'lstm', 'gru', 'transformer', 'report']);
    for (const [key, title] of [
      ['gru', 'GRU stack'],
      ['transformer', 'Transformer'],
      ['lstm', 'LSTM'],
    ])
      await row(key)
        .getByRole('button', { name: `Skip ${title}` })
        .click();
    await waitForStatus('report', 'Done');
    await row('report')
      .getByText(/Written to .*plan-\d+-report\.md/)
      .waitFor();
    await page.getByRole('button', { name: 'Remove the plan Recover' }).click();
    await page.getByRole('button', { name: 'Remove plan' }).click();
    await page.getByText('Nothing is planned').waitFor();
  });
});

describe('a sweep', () => {
  it('runs a sweep, shows three views and takes the winner as the recipe of a new run', async () => {
    await page.getByRole('button', { name: 'New sweep' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sweep' });
    await dialog.getByLabel('With', { exact: true }).fill('--epochs 1 --batch-size 256 --engine simd');
    await dialog.getByRole('button', { name: 'Vary another field' }).click();
    await dialog.getByLabel('Members', { exact: true }).fill('2');
    await dialog.getByLabel('Seeds each').fill('1');
    await dialog.getByText('3 runs: 2 members and the plain recipe').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Put it into the queue' }).click();
    await waitForStatus('sweep', 'Done');
    await row('sweep').getByRole('button', { name: 'Results' }).click();
    const results = page.getByRole('region', { name: /^Results of Sweep over/ });
    const table = results.getByRole('region', { name: 'Members of the sweep' });
    await table.getByRole('row').nth(3).waitFor();
    expect(await table.getByRole('row').count()).toBe(4);
    for (const member of ['Plain', 'Member 1', 'Member 2'])
      expect(await table.getByRole('row', { name: new RegExp(`^${member} `) }).textContent()).toMatch(
        /[+−]0\.\d{4} \[[+−]0\.\d{4}, [+−]0\.\d{4}\]/,
      );
    expect(await results.textContent()).toMatch(/\[[+−]0\.\d{4}, [+−]0\.\d{4}\] over plain|The plain recipe/);
    for (const [theme, problems] of [
      ['light', accessibilityProblems],
      ['dark', colourProblems],
    ] as const) {
      await page.evaluate((name) => (document.documentElement.dataset.theme = name), theme);
      for (const view of ['Table', 'Parallel coordinates', 'Heat map']) {
        await results.getByRole('radio', { name: view }).click();
        expect(await problems(page)).toEqual([]);
      }
    }
    await results.getByRole('radio', { name: 'Parallel coordinates' }).click();
    expect(await results.locator('path.line').count()).toBe(3);
    await results.getByRole('button', { name: 'Use the winner as recipe' }).click();
    await page.getByRole('heading', { level: 1, name: 'New run' }).waitFor();
    expect(await page.getByRole('textbox', { name: 'Epochs', exact: true }).inputValue()).toBe('1');
  });

  it('logs no console errors', () => {
    // The link that dropped when the program was killed is no fault of the page.
    expect(problems.filter((text) => !/ERR_CONNECTION|WebSocket/.test(text))).toEqual([]);
  });
});
