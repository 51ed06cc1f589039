/**
 * Imported checkpoints and recipes, and predictions: what is accepted, what is refused, and the figures of the Predict page
 * against the services. On the Node host; of the Electron host its file choosers.
 */
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContextSource, PredictedRow } from '#shared/contract/inference.ts';
import { figure } from '#shared/domain/figures.ts';
import { openNextvec } from '../support/open.ts';
import { importChunks } from '../support/nextvec.ts';
import { writeNpz } from '../support/npz.ts';
import { problemsInBothThemes } from './support/axe.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { openElectronHost } from './support/electron-host.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { goTo } from './support/steps.ts';

const PT = resolve('tests/fixtures/pt');
const [T, D] = [5, 24];
const WINDOWS = [0, 7, 8, 9];

const PLACES = 'harbour,mill,orchard,quarry,bridge,market,chapel,lighthouse,ferry,forge,tavern,well'.split(',');
const THINGS = 'anchor,barrel,candle,drum,engine,feather,glass,hammer,iron,jacket'.split(',');
const textOf = (article: number, chunk: number): string => `By the ${PLACES[article]} lay the ${THINGS[chunk]}.`;

const home = temporaryHome();
let chromium: TestBrowser;
let rows: readonly PredictedRow[];
beforeAll(async () => {
  [chromium, rows] = await Promise.all([openChromium(), prepare(home.path)]);
});
afterAll(async () => {
  await chromium.close();
  home.remove();
});

/** Prepares a folder with one imported run and its data; returns the predictions of the services. */
async function prepare(home: string): Promise<readonly PredictedRow[]> {
  const nextvec = await openNextvec(home);
  const { client } = nextvec;
  const dataset = await importChunks(client, join(home, 'walks-of-twelve-articles.npz'), {
    articles: 12,
    chunksPerArticle: 10,
    D,
    textOf,
  });
  const { runId } = await client.runs.importRun({ path: join(PT, 'amn.pt'), name: 'baseline', dataset });
  const source: ContextSource = { kind: 'dataset', datasetId: dataset, windows: [...WINDOWS] };
  const { rows } = await client.inference.predict({ runId, source });
  const recipe = await client.runs.export({ runId, format: 'recipe' });
  await writeFile(join(home, 'good.recipe.json'), recipe.text!);
  await writeFile(join(home, 'bad.recipe.json'), '{"epochs": -3}');
  await nextvec.close();
  const contexts = Float32Array.from({ length: 2 * T * D }, (_, i) => Math.sin(i));
  await writeNpz(join(home, 'contexts.npz'), { contexts: { shape: [2, T, D], data: contexts } });
  await writeNpz(join(home, 'narrow.npz'), { contexts: { shape: [2, T, 8], data: contexts.slice(0, 80) } });
  return rows;
}

describe('on the Node host', () => {
  let host: TestHost;
  let page: Page;
  beforeAll(async () => {
    host = await openNodeHost(chromium, [PT, home.path], { home: home.path });
    page = host.page;
    await page.getByRole('grid', { name: 'Runs' }).waitFor();
  });
  afterAll(() => host.close());

  const region = (title: string) => page.getByRole('region', { name: title, exact: true });
  const predict = () => page.getByRole('button', { name: 'Predict', exact: true });
  const runRow = (run: string) => page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: run });

  async function predicted(): Promise<string> {
    await predict().click();
    await page.getByText('Reproduces its golden output').waitFor();
    return (await region('Prediction').textContent()) ?? '';
  }

  it('predicts a window: parity, target, baselines, context, neighbours', async () => {
    await goTo(page, 'Predict');
    await page.getByText('Nothing predicted yet').waitFor();
    const text = await predicted();
    const [row] = rows;
    for (const value of [row.targetCosine, row.baselines.contextMean, row.baselines.lastVector])
      expect(text).toContain(figure(value));
    expect(text).toContain(figure(row.norm, 3));
    // A line of figures and one of text for each vector.
    const context = region('Context').getByRole('row');
    expect(await context.count()).toBe(1 + 2 * (T + 1));
    expect(await context.nth(1).textContent()).toContain(`${(100 * row.attention![0]).toFixed(1)} %`);
    expect(await region('Context').locator('.text-row').allTextContents()).toEqual(
      [0, 1, 2, 3, 4, 5].map((chunk) => textOf(0, chunk)),
    );
    const nearest = region('Nearest neighbours').getByRole('row');
    expect(await nearest.count()).toBe(1 + 2 * row.neighbours.length);
    expect(await nearest.nth(1).textContent()).toContain(figure(row.neighbours[0].cosine, 3));
    expect(await nearest.nth(1).textContent()).toContain(String(row.neighbours[0].article));
    expect(await nearest.nth(2).textContent()).toBe(row.neighbours[0].text);
    expect(await problemsInBothThemes(page)).toEqual([]);
  });

  it('cuts the hint of a heading that is wider than its column, not its control', async () => {
    const size = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
    await page.setViewportSize({ width: 1320, height: size.height });
    const section = await region('Nearest neighbours').boundingBox();
    const control = await region('Nearest neighbours').getByText('Whole texts').boundingBox();
    expect(section!.width).toBeLessThan(400);
    expect(control!.x + control!.width).toBeCloseTo(section!.x + section!.width, 0);
    await page.setViewportSize(size);
  });

  it('finds a window by two words and opens it, by keyboard', async () => {
    const search = page.getByRole('searchbox', { name: 'Find by words' });
    await search.fill('quarry hammer');
    await search.press('Enter');
    const hit = page.getByRole('list', { name: 'Texts found' }).getByRole('button');
    await hit.first().waitFor();
    expect(await hit.allTextContents()).toEqual([`window 17 · article 3${textOf(3, 7)}`]);
    await search.press('ArrowDown');
    await hit.press('Enter');
    await region('Context').locator('.text-row').last().getByText(textOf(3, 7)).waitFor();
    expect(await page.getByRole('textbox', { name: 'Windows' }).inputValue()).toBe('17');
    expect(await problemsInBothThemes(page)).toEqual([]);
    await search.fill('quarry zebra');
    await search.press('Enter');
    await page.getByText('No text has all of “quarry zebra”.').waitFor();
    await search.fill('');
  });

  it('predicts several windows by keyboard and shows one', async () => {
    await page.getByRole('textbox', { name: 'Windows' }).fill('0,7-9');
    await page.keyboard.press('Enter');
    await region('Rows').waitFor();
    const table = region('Predicted rows');
    expect(await table.getByRole('row').count()).toBe(1 + rows.length);
    await table.getByRole('button', { name: '9', exact: true }).press('Enter');
    await region('Prediction').getByText(figure(rows[3].targetCosine)).waitFor();
    expect(await problemsInBothThemes(page)).toEqual([]);
  });

  it('finds a window by its place in an article or says it does not exist', async () => {
    const { article, index, of } = rows[2].place!;
    await page.getByRole('radio', { name: 'Article' }).click();
    await page.getByRole('textbox', { name: 'Article' }).fill(String(article));
    await page.getByRole('textbox', { name: 'Its window' }).fill(String(index + 1));
    expect(await predicted()).toContain(figure(rows[2].targetCosine));
    await page.getByRole('textbox', { name: 'Its window' }).fill(String(of + 1));
    await predict().click();
    await page.getByText(`there is no window ${of + 1}.`).waitFor();
    expect(await page.getByText('Reproduces its golden output').count()).toBe(0);
    await page.getByRole('textbox', { name: 'Its window' }).fill('0');
    await page.getByText('Windows of an article count from 1.').waitFor();
    expect(await predict().isDisabled()).toBe(true);
  });

  it('predicts from a file without targets; refuses one of the wrong width', async () => {
    await page.getByRole('radio', { name: 'File' }).click();
    expect(await predict().isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Choose…' }).click();
    await host.chooseFile(join(home.path, 'contexts.npz'));
    await page.getByText('contexts.npz', { exact: true }).waitFor();
    const text = await predicted();
    expect(text).toContain('not measured');
    expect(text).toContain('the file names no target');
    await region('Nearest neighbours').getByText('Not looked for').waitFor();
    await page.getByRole('combobox', { name: 'Neighbours in' }).selectOption({ label: 'walks-of-twelve-articles' });
    await predicted();
    expect(await region('Nearest neighbours').getByRole('row').count()).toBe(21);
    await page.getByRole('button', { name: 'Choose…' }).click();
    await host.chooseFile(join(home.path, 'narrow.npz'));
    await page.getByText('narrow.npz', { exact: true }).waitFor();
    await predict().click();
    await page.getByText(/has contexts of 2×5×8; the model takes 5×24/).waitFor();
    expect(await problemsInBothThemes(page)).toEqual([]);
  });

  it('imports a checkpoint as a run and marks stated figures as not measured', async () => {
    await goTo(page, 'Runs');
    await page.getByRole('button', { name: 'Import run…' }).click();
    await host.chooseFile(join(PT, 'amn.pt'));
    const dialog = page.getByRole('dialog', { name: 'Import a run' });
    await dialog.getByRole('combobox', { name: 'Model' }).selectOption({ label: 'AMN' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('only stated');
    expect(await problemsInBothThemes(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await runRow('only stated').waitFor();
    expect(await runRow('only stated').textContent()).toMatch(/Imported.*0\.4607 stated by the file/);
    expect(await runRow('baseline').textContent()).not.toContain('stated by the file');
    await runRow('only stated').dblclick();
    await region('Validation cosine').getByText('not measured').waitFor();
    expect(await region('Validation cosine').textContent()).toContain('0.4607 stated by the file');
    await page.getByText('as the file states them; none was measured here').waitFor();
    expect(await problemsInBothThemes(page)).toEqual([]);
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Predict with it…' }).click();
    const run = page.getByRole('combobox', { name: 'Run', exact: true });
    await expect.poll(() => run.locator('option:checked').textContent()).toContain('only stated');
  });

  it('refuses a checkpoint with executable pickle code, with its place, and stores nothing', async () => {
    await goTo(page, 'Runs');
    const stored = await readdir(join(home.path, 'runs'));
    const listed = await page.getByRole('grid', { name: 'Runs' }).getByRole('row').count();
    await page.getByRole('button', { name: 'Import run…' }).click();
    await host.chooseFile(join(PT, 'evil.pt'));
    const dialog = page.getByRole('dialog', { name: 'Import a run' });
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    const alert = dialog.getByRole('alert');
    await alert.getByText('evil.pt was not imported').waitFor();
    const text = (await alert.textContent()) ?? '';
    expect(text).toContain('evil.pt: evil/data.pkl');
    expect(text).toContain('Nothing was executed');
    expect(await problemsInBothThemes(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await readdir(join(home.path, 'runs'))).toEqual(stored);
    expect(await page.getByRole('grid', { name: 'Runs' }).getByRole('row').count()).toBe(listed);
    expect(existsSync('/tmp/nextvec-was-executed')).toBe(false);
  });

  it('reads a recipe file into the form; an invalid one leaves the form unchanged', async () => {
    await goTo(page, 'New run');
    const epochs = page.getByRole('textbox', { name: 'Epochs', exact: true });
    await epochs.fill('17');
    await page.getByRole('button', { name: 'Recipe file…' }).click();
    await host.chooseFile(join(home.path, 'bad.recipe.json'));
    await page.getByText('bad.recipe.json was not read into the form').waitFor();
    await page.getByText(/recipe\.epochs/).waitFor();
    expect(await epochs.inputValue()).toBe('17');
    await page.getByRole('button', { name: 'Recipe file…' }).click();
    await host.chooseFile(join(home.path, 'good.recipe.json'));
    await page.getByText('good.recipe.json read into the form').waitFor();
    expect(await epochs.inputValue()).toBe('3');
    expect(await page.getByRole('textbox', { name: 'Batch size', exact: true }).inputValue()).toBe('64');
    expect(await page.getByRole('combobox', { name: 'Data set', exact: true }).inputValue()).not.toBe('');
  });

  it('logs no console errors', () => {
    expect(host.problems).toEqual([]);
  });
});

describe('on the Electron host', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await openElectronHost(chromium, { home: home.path });
    await host.page.getByRole('grid', { name: 'Runs' }).waitFor();
  });
  afterAll(() => host.close());

  it('takes contexts, a checkpoint and a recipe from dialogs of the system', async () => {
    const { page } = host;
    await goTo(page, 'Predict');
    await page.getByRole('radio', { name: 'File' }).click();
    await page.getByRole('button', { name: 'Choose…' }).click();
    await host.chooseFile(join(home.path, 'contexts.npz'));
    await page.getByText('contexts.npz', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Predict', exact: true }).click();
    await page.getByText('Reproduces its golden output').waitFor();
    const prediction = page.getByRole('region', { name: 'Prediction', exact: true });
    expect(await prediction.textContent()).toContain('the file names no target');

    await goTo(page, 'Runs');
    await page.getByRole('button', { name: 'Import run…' }).click();
    await host.chooseFile(join(PT, 'evil.pt'));
    const dialog = page.getByRole('dialog', { name: 'Import a run' });
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await dialog.getByRole('alert').getByText('evil.pt was not imported').waitFor();
    expect(existsSync('/tmp/nextvec-was-executed')).toBe(false);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Import run…' }).click();
    await host.chooseFile(join(PT, 'amn.pt'));
    await dialog.getByRole('combobox', { name: 'Model' }).selectOption({ label: 'AMN' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('from a dialog');
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('grid', { name: 'Runs' }).getByText('from a dialog').waitFor();

    await goTo(page, 'New run');
    await page.getByRole('button', { name: 'Recipe file…' }).click();
    await host.chooseFile(join(home.path, 'good.recipe.json'));
    await page.getByText('good.recipe.json read into the form').waitFor();
    expect(await page.getByRole('textbox', { name: 'Epochs', exact: true }).inputValue()).toBe('3');
  });

  it('logs no console errors', () => {
    expect(host.problems).toEqual([]);
  });
});
