/** Long lists (400 runs, 1,200 epochs) render only the rows in view; keyboard and scrolling reach every row. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RecipeSchema } from '#shared/domain/recipe/recipe.ts';
import { insertDataset } from '../../src/main/store/datasets.ts';
import { beginAttempt, endAttempts, insertEpoch } from '../../src/main/store/history.ts';
import { openHome } from '../../src/main/store/home.ts';
import { insertRun, updateRun } from '../../src/main/store/runs.ts';
import { epochRecord } from '../support/epoch-record.ts';
import { passport } from '../unit/store/passport.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { goTo } from './support/steps.ts';

const RUNS = 400;
const EPOCHS = 1200;
/** Rows in the window and some beyond its edges. */
const MOST_ROWS = 60;

function fill(path: string): void {
  const home = openHome(path, 'owner', 'test');
  const { db } = home;
  insertDataset(db, {
    id: 'data',
    name: 'data',
    sourcePath: '/data.npz',
    isSample: false,
    importedAt: 1,
    storedBytes: 1,
    passport,
    options: { dtype: null, crossArticles: false },
  });
  const recipe = RecipeSchema.parse({ dataset: 'data', epochs: EPOCHS });
  const rest = { name: null, recipe, datasetName: 'data', oodName: null, appVersion: '0' };
  db.transaction(() => {
    for (let number = 1; number <= RUNS; number++) {
      const id = `run${number}`;
      insertRun(db, { ...rest, id, tags: [number % 2 === 0 ? 'even' : 'odd'], createdAt: number });
      const epochs = number === 1 ? EPOCHS : 3;
      const attempt = beginAttempt(db, id, 1, null, number);
      for (let epoch = 1; epoch <= epochs; epoch++) insertEpoch(db, id, attempt, epochRecord(epoch), number);
      endAttempts(db, id, number);
      updateRun(db, id, { status: 'finished', epoch: epochs, step: 10 * epochs, ended_at_ms: number });
    }
  })();
  home.close();
}

let chromium: TestBrowser;
let host: TestHost;
let page: Page;
const folder = temporaryHome();

beforeAll(async () => {
  fill(folder.path);
  chromium = await openChromium();
  host = await openNodeHost(chromium, [folder.path], { home: folder.path });
  ({ page } = host);
  await page.getByRole('grid', { name: 'Runs' }).waitFor();
});
afterAll(async () => {
  await host.close();
  await chromium.close();
  folder.remove();
});

/** Id of the focused run, e.g. "run7". */
function focused(): Promise<string | null> {
  return page.evaluate(() => document.activeElement?.getAttribute('data-run') ?? null);
}

/** Waits until the run has the focus and is in view. */
async function expectFocus(run: string): Promise<void> {
  await expect.poll(focused).toBe(run);
  const isInView = () =>
    page.evaluate(() => {
      const { top, bottom } = document.activeElement!.getBoundingClientRect();
      const box = document.activeElement!.closest('.pane')!.getBoundingClientRect();
      const heading = document.querySelector('[role=grid] thead')!.getBoundingClientRect();
      return top >= heading.bottom - 1 && bottom <= box.bottom + 1;
    });
  await expect.poll(isInView).toBe(true);
}

it('renders the rows in view of 400 runs; aria-rowcount covers all', async () => {
  const grid = page.getByRole('grid', { name: 'Runs' });
  expect(await grid.getAttribute('aria-rowcount')).toBe(String(RUNS + 1));
  await expect.poll(() => grid.locator('[data-run]').count()).toBeGreaterThan(15);
  expect(await grid.locator('[data-run]').count()).toBeLessThan(MOST_ROWS);
  const heights = await grid.locator('[data-run]').evaluateAll((rows) => rows.map((row) => row.clientHeight));
  expect(new Set(heights)).toEqual(new Set([32]));
});

it('the keyboard reaches every run, also from one scrolled out of view', async () => {
  await page.getByRole('searchbox', { name: /^Filter runs/ }).focus();
  await page.keyboard.press('ArrowDown');
  await expectFocus(`run${RUNS}`);
  await page.keyboard.press('End');
  await expectFocus('run1');
  await page.keyboard.press('PageUp');
  await expectFocus('run13');
  const box = await page.getByRole('main').boundingBox();
  await page.mouse.move(box!.x + box!.width / 2, box!.y + box!.height / 2);
  await page.mouse.wheel(0, -100_000);
  await page.getByRole('grid', { name: 'Runs' }).locator(`[data-run=run${RUNS}]`).waitFor();
  expect(await focused()).toBe('run13');
  await page.keyboard.press('ArrowDown');
  await expectFocus('run12');
  await page.keyboard.press('Home');
  await expectFocus(`run${RUNS}`);
  await page.keyboard.press('ControlOrMeta+a');
  await page.getByRole('toolbar', { name: 'Selected runs' }).getByText(`${RUNS} runs selected`).waitFor();
  await page.keyboard.press('Escape');
});

it('shows group headings at any scroll position', async () => {
  await page.getByRole('button', { name: 'Groups and columns' }).click();
  await page.getByRole('combobox', { name: 'Group runs' }).selectOption({ label: 'By first tag' });
  await page.keyboard.press('Escape');
  const grid = page.getByRole('grid', { name: 'Runs' });
  await grid.getByText(`even ${RUNS / 2}`).waitFor();
  expect(await grid.getAttribute('aria-rowcount')).toBe(String(RUNS + 3));
  const pane = grid.locator('xpath=..');
  // Heights: table heading 30 px, group heading 34, run 32.
  const height = await pane.evaluate((element) => element.scrollHeight);
  expect(Math.abs(height - (30 + 2 * 34 + 32 * RUNS))).toBeLessThan(3);
  await pane.evaluate((element, top) => (element.scrollTop = top), 34 + 32 * (RUNS / 2) - 100);
  await grid.getByText(`odd ${RUNS / 2}`).waitFor();
  expect(await grid.locator('[data-run]').count()).toBeLessThan(MOST_ROWS);
  await page.getByRole('button', { name: 'Groups and columns' }).click();
  await page.getByRole('combobox', { name: 'Group runs' }).selectOption({ label: 'No groups' });
  await page.keyboard.press('Escape');
});

it('renders the epochs in view of a long run; scrolling reaches the first', async () => {
  await page.getByRole('searchbox', { name: /^Filter runs/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await expectFocus('run1');
  await page.keyboard.press('Enter');
  const table = page.getByRole('region', { name: 'Figures of every epoch' });
  await table.getByRole('rowheader', { name: String(EPOCHS) }).waitFor();
  expect(await table.getByRole('rowheader').count()).toBeLessThan(MOST_ROWS);
  expect(await table.getByRole('table').getAttribute('aria-rowcount')).toBe(String(EPOCHS + 1));
  // The spacers stand for rows of 25 px.
  const rowHeights = await table
    .getByRole('rowheader')
    .evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().height));
  expect(new Set(rowHeights)).toEqual(new Set([25]));
  await table.evaluate((element) => (element.scrollTop = element.scrollHeight));
  const first = table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: '1', exact: true }) });
  await first.waitFor();
  expect(await first.getByRole('cell').count()).toBe(12);
  expect(await first.textContent()).toContain('0.2000');
  const heading = table.getByRole('columnheader', { name: 'Epoch' });
  const tops = await Promise.all([heading, table].map(async (part) => (await part.boundingBox())!.y));
  expect(Math.abs(tops[0] - tops[1])).toBeLessThan(2);
});

it('the run picker renders the rows in view', async () => {
  await goTo(page, 'Cross-test');
  const list = page.getByRole('list', { name: 'Runs to compare' });
  await list.getByText(`Run ${RUNS}`).waitFor();
  expect(await list.getByRole('listitem').count()).toBeLessThan(MOST_ROWS);
  await list.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await list.getByText('Run 1', { exact: false }).last().waitFor();
  await list.getByRole('checkbox').last().check();
  await expect.poll(() => page.url()).toMatch(/runs=[^&]*\brun1(?:&|$)/);
});
