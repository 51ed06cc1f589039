/**
 * Pictures of every page with data for docs/screenshots/, in light and dark at 1280 × 800 (and, in `small`, 900 × 600), taken
 * from the real app: the Node host on a storage folder of its own, while a real run on the bundled sample trains.
 * `npm run screenshots texts TRAIN OOD` takes those that show texts, of two files that have them.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from './build-if-needed.mjs';
import { findOrInstallBrowser } from './find-browser.mjs';
import { ROOT, withGoodNode } from './node.mjs';

const FOLDER = join(ROOT, 'docs', 'screenshots');
const SMALL_FOLDER = join(FOLDER, 'small');
const SIZE = { width: 1280, height: 800 };
const SMALL_SIZE = { width: 900, height: 600 };
const FLAGS = ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'];
/** For charts and fonts after a change of size or theme. */
const SETTLE_MS = 600;
const THEMES = ['light', 'dark'];
const LIMIT_MS = 300_000;

function nextvec(home, args) {
  return spawn(process.execPath, [join(ROOT, 'out', 'main', 'cli.js'), '--home', home, '--json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Runs a command to its end; its last line as an object. `accepted`: exit statuses that are no fault here. */
async function result(home, args, accepted = [0]) {
  const child = nextvec(home, args);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const status = await new Promise((resolve) => child.on('close', resolve));
  const last = JSON.parse(text.trim().split('\n').at(-1));
  if (!accepted.includes(status))
    throw new Error(`nextvec ${args.join(' ')}: status ${status}: ${JSON.stringify(last)}`);
  return last;
}

async function serve(home) {
  const child = nextvec(home, ['serve', '--root', join(ROOT, 'resources', 'sample')]);
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => resolve(JSON.parse(String(chunk)).url));
    child.on('close', (status) => reject(new Error(`nextvec serve ended with status ${status}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners('close').on('close', resolve);
      child.kill('SIGINT');
    });
  return { url, stop };
}

/** Two runs with an evaluation, a sweep with a winner, and the tour, whose last run is a Gram mixture. */
async function makeHistory(home) {
  // Where these fail, the other pictures are taken all the same.
  const report = (error) => console.error(error.message);
  const sample = ['--data', 'sample', '--ood', 'sample'];
  const run = ['train', ...sample, '--batch-size', '64', '--epochs', '4'];
  const first = await result(home, [...run, '--name', 'MSE only', '--tag', 'baseline']);
  const lambda = { mse: '0.5', info: '0.5', moment: '1e-3', variance: '1e-3' };
  const weights = Object.entries(lambda).flatMap(([term, value]) => [`--lambda-${term}`, value]);
  await result(home, [...run, ...weights, '--name', 'MSE + InfoNCE']);
  await result(home, ['evaluate', first.runId, '--data', 'Sample OOD'], [0, 1]).catch(report);
  const vary = ['--vary', 'lr=1e-4..1e-2:log', 'skip=mean,positional', 'start=random,least-squares'];
  const size = ['--members', '8', '--seeds', '2', '--halving', '3:1', '--epochs', '3', '--engine', 'simd'];
  const named = ['--name', 'Learning rate, skip path, start'];
  await result(home, ['sweep', ...sample, '--batch-size', '64', ...vary, ...size, ...named]);
  await result(home, ['plan', '--template', 'tour', ...sample], [0, 1]).catch(report);
  return first.runId;
}

async function link(page, name) {
  await page.getByLabel('Sidebar').getByRole('link', { name }).click();
  await page.getByRole('main').getByRole('heading', { level: 1, name }).waitFor();
  await page.locator('main [aria-busy="true"]').first().waitFor({ state: 'detached', timeout: LIMIT_MS });
}

/** Starts a long run on the sample from the form, as a person would. */
async function startRun(page) {
  await link(page, 'New run');
  await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('60');
  await page.getByRole('button', { name: /^Start run/ }).click();
  await page.waitForURL(/#\/runs\/.+/);
  await page.getByRole('main').getByText('Running', { exact: true }).first().waitFor({ timeout: 120_000 });
  // A few epochs, so that the charts show curves.
  const epochs = page.getByRole('region', { name: 'Epochs' }).getByRole('row');
  await epochs.nth(4).waitFor({ timeout: LIMIT_MS });
  return page.url();
}

/** Notices of runs and saved files would cover a part of a picture. */
function hideNotices(page) {
  return page.getByRole('list', { name: 'Notices' }).evaluate((list) => (list.style.display = 'none'));
}

/** The page as it stands, in both themes and sizes. */
async function shoot(page, name, sizes = [SIZE, SMALL_SIZE]) {
  for (const size of sizes) {
    await page.setViewportSize(size);
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await page.waitForTimeout(SETTLE_MS);
      const path = join(size === SMALL_SIZE ? SMALL_FOLDER : FOLDER, `${name}-${theme}.png`);
      await page.screenshot({ path, animations: 'disabled' });
      console.log(path);
    }
  }
  await page.setViewportSize(SIZE);
}

async function chooseRun(page, name) {
  const run = page.getByRole('combobox', { name: 'Run', exact: true });
  const option = run.locator('option', { hasText: name }).first();
  await run.selectOption(await option.getAttribute('value'));
}

/** What has to be done on a page before it shows figures; each ends with its pictures. */
const PAGES = {
  'Cross-test': async (page) => {
    const test = page.getByRole('button', { name: /^Test \d+ cell/ });
    await test.click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached', timeout: LIMIT_MS });
    await test.waitFor({ timeout: LIMIT_MS });
    await shoot(page, 'cross-test');
  },
  Reports: async (page) => {
    await chooseRun(page, 'MSE + InfoNCE');
    await page.getByRole('button', { name: 'Make the report' }).click();
    await page.getByRole('button', { name: 'Save HTML' }).waitFor({ timeout: LIMIT_MS });
    await shoot(page, 'reports');
  },
  Predict: async (page) => {
    await chooseRun(page, 'Gram mixture');
    await page.getByRole('button', { name: 'Predict', exact: true }).click();
    await page.getByText('Reproduces its golden output').waitFor({ timeout: LIMIT_MS });
    await shoot(page, 'predict');
    await page.getByRole('region', { name: 'Why this prediction' }).evaluate((section) => section.scrollIntoView());
    await shoot(page, 'why');
  },
  Plans: async (page) => {
    await shoot(page, 'plans');
    await page.getByRole('button', { name: 'Results' }).click();
    await page.getByRole('radio', { name: 'Parallel coordinates' }).click();
    await page.getByRole('region', { name: /^Results of/ }).evaluate((region) => region.scrollIntoView());
    await shoot(page, 'sweep');
  },
};

/** Pages without an entry in the sidebar, by their address and a text that shows once they are complete. */
function otherPages(runId, evaluatedRun) {
  return {
    run: [`/runs/${runId}`, (page) => page.locator('canvas').first()],
    evaluation: [`/runs/${evaluatedRun}/evaluation`, (page) => page.getByText('Reproduces its golden output')],
    tour: ['/tour', (page) => page.getByRole('heading', { level: 1, name: 'A retrain that failed' })],
  };
}

/** Every page; one that fails is named, and the others are taken all the same. Returns whether all were taken. */
async function shootAll(page, runUrl, evaluatedRun) {
  let isComplete = true;
  const attempt = async (name, work) => {
    try {
      await work();
    } catch (error) {
      isComplete = false;
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const runId = runUrl.split('/').at(-1);
  for (const [name, [address, complete]] of Object.entries(otherPages(runId, evaluatedRun)))
    await attempt(name, async () => {
      await page.evaluate((hash) => (location.hash = hash), address);
      await complete(page).waitFor();
      await shoot(page, name);
    });
  const titles = ['Runs', 'New run', 'Data sets', 'Compare', 'Help', 'Settings', ...Object.keys(PAGES)];
  for (const title of titles)
    await attempt(title, async () => {
      await link(page, title);
      if (PAGES[title]) await PAGES[title](page);
      else await shoot(page, title.toLowerCase().replaceAll(' ', '-'));
    });
  return isComplete;
}

/** Pages where texts stand beside the vectors. */
async function shootTexts(page, runId) {
  await link(page, 'Predict');
  await page.getByRole('textbox', { name: 'Windows' }).fill('120');
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  const near = page.getByRole('region', { name: /^Nearest neighbours/ });
  await near.waitFor();
  await near.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-predict', [SIZE]);

  await link(page, 'Data sets');
  await page.getByRole('main').getByText('speeches-train', { exact: true }).first().click();
  const map = page.getByRole('region', { name: /^Map/ });
  await map.scrollIntoViewIfNeeded();
  const plot = map.getByRole('img');
  await plot.waitFor({ timeout: 120_000 });
  await map.getByRole('searchbox').fill('liberty people');
  await map.getByRole('searchbox').press('Enter');
  await map.getByRole('list', { name: 'Texts found' }).getByRole('button').first().click();
  await map.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-map', [SIZE]);

  await page.evaluate((id) => (location.hash = `#/runs/${id}/evaluation`), runId);
  const inspector = page.getByRole('region', { name: /^Window inspector/ });
  await inspector.getByRole('button', { name: 'Best' }).click();
  await inspector.getByText(/by cosine/).waitFor({ timeout: 120_000 });
  await inspector.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-inspector', [SIZE]);

  await link(page, 'Reports');
  await page.getByRole('checkbox', { name: 'Quote texts' }).check();
  await page.getByRole('button', { name: 'Make the report' }).click();
  const samples = page.getByText('Texts of the sample windows').first();
  await samples.waitFor({ timeout: 120_000 });
  await samples.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-report', [SIZE]);
}

async function takeTexts(page, home, [train, ood]) {
  const size = ['--batch-size', '64', '--epochs', '2', '--engine', 'simd'];
  const { runId } = await result(home, ['train', '--data', train, '--ood', ood, ...size, '--name', 'Sentences']);
  await result(home, ['evaluate', runId, '--data', ood]);
  const server = await serve(home);
  try {
    await page.goto(server.url);
    await hideNotices(page);
    await shootTexts(page, runId);
  } finally {
    await server.stop();
  }
}

async function takeScreenshots() {
  await buildIfNeeded();
  const { chromium } = await import('playwright-core');
  const home = mkdtempSync(join(tmpdir(), 'nextvec-screenshots-'));
  const browser = await chromium.launch({ executablePath: await findOrInstallBrowser(), args: FLAGS });
  mkdirSync(SMALL_FOLDER, { recursive: true });
  let server;
  try {
    const page = await (await browser.newContext({ viewport: SIZE, deviceScaleFactor: 1 })).newPage();
    page.setDefaultTimeout(LIMIT_MS);
    if (process.argv[2] === 'texts') return await takeTexts(page, home, process.argv.slice(3));
    const empty = await serve(home);
    await page.goto(empty.url);
    await page.getByRole('button', { name: 'Retrain on the sample' }).waitFor();
    await shoot(page, 'first-start');
    await empty.stop();
    const evaluatedRun = await makeHistory(home);
    server = await serve(home);
    await page.goto('about:blank');
    await page.goto(server.url);
    await hideNotices(page);
    if (!(await shootAll(page, await startRun(page), evaluatedRun))) process.exitCode = 1;
  } finally {
    await browser.close();
    await server?.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

await withGoodNode(fileURLToPath(import.meta.url), takeScreenshots);
