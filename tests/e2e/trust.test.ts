/** Evaluation, cross-test, reports and map, and every page with data in it. A short run on small data, on the Node host. */
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followTo, importChunks } from '../support/nextvec.ts';
import { openNextvec } from '../support/open.ts';
import { problemsInBothThemes } from './support/axe.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { keyboardProblems } from './support/keyboard.ts';
import { openNodeHost } from './support/node-host.ts';
import { overlappingText } from './support/overlapping-text.ts';
import { goTo, PAGES } from './support/steps.ts';

const home = temporaryHome();
let chromium: TestBrowser;
let host: TestHost;

/** A finished run on "walks" with "other" as its OOD set. */
async function prepare(): Promise<void> {
  const nextvec = await openNextvec(home.path);
  const { client } = nextvec;
  await client.app.settings.set({ threads: 1 });
  const shape = { chunksPerArticle: 14, D: 48 };
  const dataset = await importChunks(client, join(home.path, 'walks.npz'), { articles: 60, ...shape });
  const ood = await importChunks(client, join(home.path, 'other.npz'), { articles: 30, ...shape, seed: 5 });
  const { runId } = await client.runs.start({ recipe: { dataset, ood, epochs: 3, engine: 'simd' }, name: 'short' });
  await followTo(client, runId, 'finished');
  await nextvec.close();
}

beforeAll(async () => {
  [chromium] = await Promise.all([openChromium(), prepare()]);
  host = await openNodeHost(chromium, [resolve('tests/fixtures/zoo')], { home: home.path });
  const { page } = host;
  await page.getByRole('grid', { name: 'Runs' }).getByText('short').first().dblclick();
  await page.waitForURL(/#\/runs\/.+/);
});
afterAll(async () => {
  await host.close();
  await chromium.close();
  home.remove();
});

describe('evaluation of a run', () => {
  it('checks parity, then shows verdicts with evidence and every figure', async () => {
    const { page } = host;
    await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Evaluation' }).waitFor();
    await page.getByRole('combobox', { name: 'Evaluate on' }).selectOption({ label: 'other · OOD' });
    await page.getByRole('button', { name: 'Evaluate now' }).click();
    await page.getByText('Reproduces its golden output').waitFor({ timeout: 120_000 });
    await page.getByRole('button', { name: 'Evaluate again' }).waitFor();
    expect(await page.getByText('The evaluation failed').count()).toBe(0);
    const verdicts = page.getByRole('region', { name: 'Verdicts' });
    await verdicts.getByRole('heading', { name: 'Below a baseline' }).waitFor();
    await verdicts.getByText('Evidence').first().click();
    expect(await verdicts.getByRole('definition').first().textContent()).toMatch(/\d/);
    const baselines = page.getByRole('region', { name: 'Baselines' });
    for (const name of ['Mean of context', 'Last vector', 'Weighted mean', 'Ridge', 'Pooled ridge', 'Shuffled targets'])
      expect(await baselines.getByRole('row', { name: new RegExp(`^${name}`) }).textContent()).toMatch(
        /0\.\d{4}.*[+−]0\.\d{4}/,
      );
    for (const title of ['Offset sweep', 'Order ablations', 'Rank inside the article', 'Same space?'])
      expect(await page.getByRole('region', { name: title }).textContent()).toMatch(/0\.\d{3}/);
  });

  it('measures the ceiling of the set on request, and keeps measuring it', async () => {
    const { page } = host;
    const baselines = page.getByRole('region', { name: 'Baselines' });
    await baselines.getByRole('button', { name: 'Measure the ceiling' }).click();
    await baselines.getByText('A ceiling is no baseline').waitFor({ timeout: 120_000 });
    for (const name of ['Position weights fitted on this set', 'Gram mixture, gate trained on the other half'])
      expect(await baselines.getByRole('row', { name: new RegExp(`^${name}`) }).textContent()).toMatch(
        /0\.\d{4}.*[+−]0\.\d{4}/,
      );
    const again = page.getByRole('button', { name: 'Evaluate again' });
    await again.click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await again.waitFor({ timeout: 120_000 });
    await baselines.getByText('A ceiling is no baseline').waitFor();
  });

  it('inspects windows from the table, by place and by number', async () => {
    const { page } = host;
    const table = page.getByRole('region', { name: 'Table of the sample windows' });
    const sample = table.getByRole('row').nth(3);
    const number = (await sample.getByRole('button').textContent())?.trim() ?? '';
    const cosine = (await sample.getByRole('cell').first().textContent())?.trim() ?? '';
    await sample.getByRole('button').click();
    const inspector = page.getByRole('region', { name: 'Window inspector' });
    await inspector.getByText(`Window ${number}`, { exact: true }).waitFor();
    expect(await inspector.textContent()).toContain(cosine);
    expect(await inspector.getByRole('table', { name: 'Context and target' }).getByRole('row').count()).toBe(7);
    const slider = inspector.getByRole('slider');
    await slider.focus();
    await page.keyboard.press('Home');
    await inspector.getByText('place 1 of').waitFor();
    const nearest = inspector.getByRole('table', { name: 'Nearest targets' }).getByRole('row').nth(1);
    expect(await nearest.textContent()).toMatch(/0\.\d{3}/);
    await inspector.getByRole('textbox', { name: 'Window' }).fill('999999');
    await inspector.getByRole('button', { name: 'Inspect' }).click();
    await inspector.getByText('Window 999999 is not among other.').waitFor();
    expect(await problemsInBothThemes(page)).toEqual([]);
  });

  it('stores the evaluation and shows it when reopened', async () => {
    const { page } = host;
    await page.getByRole('link', { name: 'Back to the run' }).click();
    await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
    await page.getByText('Reproduces its golden output').waitFor();
    expect(await page.getByRole('button', { name: 'Evaluate again' }).count()).toBe(1);
    await goTo(page, 'Runs');
  });
});

describe('cross-tests, reports and data sets', () => {
  it('cross-tests runs on data sets; matrix cells open the evaluation', async () => {
    const { page } = host;
    await goTo(page, 'Cross-test');
    await page.getByRole('list', { name: 'Runs to compare' }).getByRole('checkbox').check();
    for (const box of await page.getByRole('list', { name: 'Data sets to test on' }).getByRole('checkbox').all())
      await box.check();
    await page.getByRole('button', { name: 'Test 2 cells' }).click();
    const matrix = page.getByRole('region', { name: 'Cosine of every run on every data set' });
    await expect
      .poll(() => matrix.getByRole('row').nth(1).textContent(), { timeout: 60_000 })
      .toMatch(/0\.\d{4}.*[+−]0\.\d{4}.*0\.\d{4}.*[+−]0\.\d{4}/);
    expect(await problemsInBothThemes(page)).toEqual([]);
    await matrix.getByRole('cell').last().getByRole('link').click();
    await page.getByText('Reproduces its golden output').waitFor();
  });

  it('makes a root-cause report with charts, saves it as HTML and makes a model card', async () => {
    const { page } = host;
    await page.getByRole('button', { name: 'Report', exact: true }).click();
    await page.getByRole('button', { name: 'Make the report' }).click();
    await page.getByRole('heading', { level: 2, name: /^Root cause/ }).waitFor({ timeout: 60_000 });
    expect(await page.getByRole('article').getByRole('img').count()).toBeGreaterThan(1);
    expect(await problemsInBothThemes(page)).toEqual([]);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save HTML' }).click();
    expect((await saving).suggestedFilename()).toBe('report-run-1.html');
    await page.getByRole('radio', { name: 'Model card' }).click();
    await page.getByRole('button', { name: 'Make the report' }).click();
    await page.getByRole('heading', { level: 2, name: /model card/i }).waitFor();
  });

  it('compares two data sets and draws their vectors as a map', async () => {
    const { page } = host;
    await goTo(page, 'Data sets');
    await page.getByRole('list', { name: 'Data sets' }).getByText('other').click();
    await page.getByRole('combobox', { name: 'Data set to show beside' }).selectOption({ label: 'walks' });
    await page.getByText('different space', { exact: true }).waitFor({ timeout: 60_000 });
    await page.getByText('No leak: the two sets share no vector').waitFor();
    await page.getByRole('combobox', { name: 'Data set to show beside' }).selectOption('');
    const map = page.getByRole('region', { name: 'Map' });
    await map.scrollIntoViewIfNeeded();
    await map.getByText(/^PCA of all 420 vectors from 30 articles\./).waitFor();
    await map.getByRole('radio', { name: 'Error' }).click();
    await map.getByText(/Cosine of run #1 at 270 targets/).waitFor({ timeout: 60_000 });
    const before = await map.locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    await map.getByRole('radio', { name: 'UMAP' }).click();
    await map.getByText(/^UMAP of all 420 vectors/).waitFor({ timeout: 60_000 });
    await map.locator('canvas').press('ArrowRight');
    await map.getByText(/^Article \d+ · /).waitFor();
    await map.locator('canvas').press('Escape');
    await map.getByText(/^Point at a vector/).waitFor();
    expect(await map.locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL())).not.toBe(before);
    expect(await problemsInBothThemes(page)).toEqual([]);
  });
});

describe('loss balance', () => {
  it('measures the first batches and finds λ for the requested gradient shares', async () => {
    const { page } = host;
    await goTo(page, 'New run');
    await page.getByRole('button', { name: /^MSE \+ InfoNCE/ }).click();
    const preflight = page.getByRole('complementary', { name: 'Preflight' });
    const infoNce = preflight.getByRole('region', { name: 'Loss balance' }).getByRole('row', { name: 'InfoNCE' });
    expect(await infoNce.textContent({ timeout: 60_000 })).toMatch(/9\d\.\d.%$/);
    await preflight.getByText(/Loss out of balance: InfoNCE \(λ 0\.5\) has 9\d\.\d % of the gradient/).waitFor();
    await page.getByRole('button', { name: 'Balanced…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Balance the loss terms' });
    await dialog.getByRole('textbox', { name: 'Share of the gradient for InfoNCE' }).fill('30');
    await dialog.getByText('The shares add up to 110 and are scaled to 100.').waitFor();
    await dialog.getByRole('textbox', { name: 'Share of the gradient for MSE' }).fill('60');
    await dialog.getByRole('button', { name: 'Measure' }).click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.getByRole('button', { name: 'Measure' }).click();
    await dialog.getByText('Measured on the first').waitFor({ timeout: 60_000 });
    expect(await dialog.getByRole('row', { name: /^MSE/ }).textContent()).toMatch(/(59|60|61)\.\d.%$/);
    expect(await problemsInBothThemes(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Use these λ' }).click();
    expect(Number(await page.getByRole('textbox', { name: 'λ InfoNCE' }).inputValue())).toBeLessThan(0.01);
    await expect.poll(() => infoNce.textContent()).toMatch(/(29|30|31)\.\d.%$/);
  });
});

describe('a small window', () => {
  it('only panes scroll in a small window', async () => {
    const { page } = host;
    const size = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
    await page.setViewportSize({ width: 900, height: 600 });
    await goTo(page, 'New run');
    await page.getByRole('heading', { name: 'Gates' }).waitFor();
    // Text for screen readers is positioned absolutely; this one lies below the window edge.
    await page.getByText('To consider').waitFor();
    const form = page.locator('form.pane');
    expect(await form.evaluate((pane) => pane.scrollHeight - pane.clientHeight)).toBeGreaterThan(0);
    const around = await form.evaluate((pane) => {
      const beyond: number[] = [];
      for (let e = pane.parentElement; e; e = e.parentElement) beyond.push(e.scrollHeight - e.clientHeight);
      return beyond;
    });
    expect(Math.max(...around)).toBe(0);
    await page.setViewportSize(size);
  });
});

/** The run's page follows that of the runs, where it is opened. */
describe.each([...PAGES, 'Run'] as const)('the page %s', (title) => {
  beforeAll(async () => {
    const { page } = host;
    await page.setViewportSize({ width: 900, height: 600 });
    if (title !== 'Run') return goTo(page, title);
    await goTo(page, 'Runs');
    await page.getByRole('grid', { name: 'Runs' }).getByText('short').first().dblclick();
    await page.getByRole('region', { name: 'OOD cosine' }).getByText(/^lift/).waitFor();
  });

  it('draws no text over another in a small window', async () => {
    expect(await overlappingText(host.page)).toEqual([]);
  });

  it('is accessible in both themes', async () => {
    await host.page.setViewportSize({ width: 1280, height: 800 });
    expect(await problemsInBothThemes(host.page)).toEqual([]);
  });

  it('can be used by the keyboard alone', async () => {
    expect(await keyboardProblems(host.page)).toEqual([]);
  });
});

it('an evaluation can be used by the keyboard alone; a control that Tab leaves out is found', async () => {
  const { page } = host;
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await page.getByText('Reproduces its golden output').waitFor();
  expect(await keyboardProblems(page)).toEqual([]);
  await page.getByRole('button', { name: 'Evaluate again' }).evaluate((button) => (button.tabIndex = -1));
  expect(await keyboardProblems(page)).toEqual([expect.stringContaining('Evaluate again')]);
});

it('logs no console errors', () => {
  expect(host.problems).toEqual([]);
});
