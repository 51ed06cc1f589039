/**
 * Import, train, use every page meanwhile, pause, stop, history: the same on both hosts. The run on the sample is on the Node
 * host; desktop.test.ts has it on the Electron host. How long pages take: bench/responsive.ts.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeChunks } from '../support/chunks.ts';
import { accessibilityProblems } from './support/axe.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { openElectronHost } from './support/electron-host.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import {
  chooseSimd,
  drawing,
  goTo,
  nextFrames,
  PAGES,
  retrainOnSample,
  storedDatasets,
  waitForStatus,
} from './support/steps.ts';

const ZOO = resolve('tests/fixtures/zoo');
const TABLES = resolve('tests/fixtures/tables');
/** A second at 60 frames a second; while a run trains, its charts are redrawn several times a second. */
const FRAMES_AT_REST = 60;

const files = temporaryHome();
let chromium: TestBrowser;
beforeAll(async () => {
  await writeChunks(join(files.path, 'walks.npz'), { articles: 60, chunksPerArticle: 14, D: 48 });
  chromium = await openChromium();
});
afterAll(async () => {
  await chromium.close();
  files.remove();
});

describe.each(['node', 'electron'] as const)('on the %s host', (name) => {
  let host: TestHost;
  beforeAll(async () => {
    host = name === 'node' ? await openNodeHost(chromium, [ZOO, TABLES, files.path]) : await openElectronHost(chromium);
  });
  afterAll(() => host.close());

  it('offers the sample data set on first start', async () => {
    const { page } = host;
    await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('imports a valid file and shows its passport', async () => {
    const { page } = host;
    await goTo(page, 'Data sets');
    await page
      .getByRole('button', { name: /^Import/ })
      .first()
      .click();
    await host.importFile(join(files.path, 'walks.npz'));
    await page.getByRole('list', { name: 'Data sets' }).getByText('walks').waitFor();
    expect(storedDatasets(host.home)).toHaveLength(1);
    // Ten windows of each article with 14 chunks, after four of context.
    expect(await page.getByRole('main').textContent()).toContain('540');
  });

  // The dialog is the same on both hosts.
  it.runIf(name === 'node')(
    'imports a Parquet file of unfamiliar columns by the keyboard, and again with the same columns',
    async () => {
      const { page } = host;
      /** Tab until the element with this name has the focus. */
      const tabTo = async (name: string): Promise<void> => {
        const target = page
          .getByRole('dialog')
          .getByLabel(name)
          .or(page.getByRole('button', { name, exact: true }));
        for (let presses = 0; presses < 30; presses++) {
          if (await target.evaluateAll((found) => found.includes(document.activeElement as never))) return;
          await page.keyboard.press('Tab');
        }
        throw new Error(`Tab does not reach "${name}"`);
      };
      await tabTo('Import…');
      await page.keyboard.press('Enter');
      await host.chooseFile(resolve(TABLES, 'odd-names.parquet'));
      const dialog = page.getByRole('dialog', { name: 'Import odd-names.parquet' });
      await dialog.getByText('Choose what says to which article a row belongs.').waitFor();
      for (const [role, column] of [
        ['Articles', 'werk'],
        ['Order', 'lfd'],
        ['Texts', 'absatz'],
      ]) {
        await tabTo(role);
        await page.keyboard.type(column);
      }
      // Two of the 40 chunks are the same vector.
      await dialog.getByText(/30 windows .* 2 articles .* 39 texts/).waitFor();
      await tabTo('Import');
      await page.keyboard.press('Enter');
      await page.getByText('vectors from minilm, articles from werk, order from lfd, texts from absatz').waitFor();
      const rows = page.getByRole('region', { name: 'Articles of the data set' }).getByRole('row');
      await rows.nth(2).waitFor();
      expect(await rows.count()).toBe(3);
      await page.getByRole('button', { name: 'Import again, with the same columns and settings' }).click();
      await page.getByText('Nothing new in odd-names.parquet').waitFor({ timeout: 60_000 });
    },
  );

  it('refuses a damaged file with the reason and stores nothing', async () => {
    const { page } = host;
    const before = storedDatasets(host.home);
    await page
      .getByRole('button', { name: /^Import/ })
      .first()
      .click();
    await host.chooseFile(resolve(ZOO, 'corrupt.npz'));
    const dialog = page.getByRole('dialog', { name: 'Import corrupt.npz' });
    await dialog
      .getByText(/CRC-32/)
      .first()
      .waitFor();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('corrupt.npz was not imported').first().waitFor();
    expect(await page.getByRole('main').textContent()).toMatch(/CRC-32/);
    expect(storedDatasets(host.home)).toEqual(before);
    await page.getByRole('list', { name: 'Imports' }).getByRole('button', { name: 'Dismiss' }).click();
  });

  it.runIf(name === 'node')(
    'retrains on the sample with one click and notifies on another page that it has finished',
    async () => {
      const { page } = host;
      await retrainOnSample(page);
      await waitForStatus(page, 'Running');
      await goTo(page, 'Data sets');
      await expect
        .poll(async () => (await host.notices()).join('\n'), { timeout: 500_000 })
        .toMatch(/finished.*Best epoch \d+: validation 0\.\d{4}, OOD 0\.\d{4}\./);
    },
  );

  it.runIf(name === 'node')('lists the finished run with its figures', async () => {
    const { page } = host;
    await goTo(page, 'Runs');
    await page.getByRole('grid', { name: 'Runs' }).getByText('Finished').first().waitFor();
    const row = page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: 'sample' });
    expect(await row.textContent()).toMatch(/0\.\d{3,4}/);
    expect(await row.textContent()).toContain('Finished');
  });

  it('starts a run from the form and updates its charts', async () => {
    const { page } = host;
    await goTo(page, 'New run');
    // Longer than the tests run.
    await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('5000');
    await page.getByRole('textbox', { name: 'Batch size', exact: true }).fill('64');
    await chooseSimd(page);
    await page.getByRole('button', { name: /^Start run/ }).click();
    await page.waitForURL(/#\/runs\/.+/);
    await waitForStatus(page, 'Running');
    await page.locator('canvas').first().waitFor();
    const first = await drawing(page);
    await expect.poll(() => drawing(page)).not.toBe(first);
  });

  it('opens a page complete while it trains, so that find-in-page reaches what is below the edge of the window', async () => {
    const { page } = host;
    const size = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
    await page.setViewportSize({ width: 1280, height: 400 });
    await goTo(page, 'New run');
    const headings = () => page.getByRole('main').getByRole('heading', { level: 2 }).allTextContents();
    expect((await headings()).join()).toMatch(/Model and loss.*Training.*Gates/);
    await page.setViewportSize(size);
  });

  it('opens every page by a click while the run trains, and the run with charts that move', async () => {
    const { page } = host;
    for (const title of PAGES) await goTo(page, title);
    await goTo(page, 'Runs');
    await page.getByRole('grid', { name: 'Runs' }).getByRole('row').filter({ hasText: 'Running' }).click();
    await page.locator('canvas').first().waitFor();
    const first = await drawing(page);
    await expect.poll(() => drawing(page)).not.toBe(first);
    await waitForStatus(page, 'Running');
  });

  it('pauses and resumes; charts stand still while paused', async () => {
    const { page } = host;
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await waitForStatus(page, 'Paused');
    // Baselines are measured beside the training and may still arrive.
    await page.getByRole('main').getByText('Mean of context').first().waitFor();
    const isStill = async () => {
      const before = await drawing(page);
      await nextFrames(page, FRAMES_AT_REST);
      return (await drawing(page)) === before;
    };
    await expect.poll(isStill).toBe(true);
    await page.getByRole('button', { name: 'Resume', exact: true }).first().click();
    await waitForStatus(page, 'Running');
  });

  it('stops the run', async () => {
    const { page } = host;
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const confirm = page.getByRole('alertdialog').getByRole('button', { name: /^Stop/ });
    await confirm
      .or(page.getByRole('main').getByText('Stopped', { exact: true }).first())
      .first()
      .waitFor();
    if (await confirm.isVisible()) await confirm.click();
    await waitForStatus(page, 'Stopped');
    expect(await page.getByRole('button', { name: 'Pause', exact: true }).count()).toBe(0);
  });

  it('shows validation errors in the form', async () => {
    const { page } = host;
    await goTo(page, 'New run');
    await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('0');
    await page.getByRole('alert').first().waitFor();
    expect(await page.getByRole('button', { name: /^Start run/ }).isDisabled()).toBe(true);
    await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('2');
    await expect.poll(() => page.getByRole('button', { name: /^Start run/ }).isDisabled()).toBe(false);
  });

  it('answers the calls of the page', async () => {
    const answers = await host.answerTimes();
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.map(({ call }) => call)).toContain('/runs/list');
  });

  it('sends no request to another host', async () => {
    const own = [host.origin, host.origin.replace(/^http/, 'ws'), 'blob:', 'data:'];
    const others = (await host.requests()).filter((url) => !own.some((origin) => url.startsWith(origin)));
    expect(others).toEqual([]);
    expect((await host.requests()).length).toBeGreaterThan(5);
  });

  it('logs no console errors', () => {
    expect(host.problems).toEqual([]);
  });

  it('serves the page with a content security policy without inline scripts and eval', async () => {
    const { page } = host;
    const policy = await page.evaluate(async () => {
      const response = await fetch('/', { cache: 'no-store' });
      return response.headers.get('Content-Security-Policy') ?? '';
    });
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(/script-src[^;]*'unsafe-(inline|eval)'/.test(policy)).toBe(false);
    expect(await page.evaluate(() => window.crossOriginIsolated)).toBe(true);
    const evaluated = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.inlineScriptRan = true';
      document.head.append(script);
      return 'inlineScriptRan' in window;
    });
    expect(evaluated).toBe(false);
    // The violation above is logged to the console.
    host.problems.length = 0;
  });
});

it('the built page contains no inline script', () => {
  const html = readFileSync('out/renderer/index.html', 'utf8');
  expect(html.match(/<script(?![^>]*\ssrc=)/g)).toBeNull();
});
