/**
 * Pictures of every page in light and dark for docs/screenshots/, taken from the real app (the Node host on a storage
 * folder of its own) while a real run on the bundled sample trains. `npm run screenshots texts TRAIN OOD` takes
 * those that show texts, of two files that have them.
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
const SETTLE_MS = 900;

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

/** A short history, so that tables and comparisons have something to show. */
async function makeHistory(home) {
  const sample = ['train', '--data', 'sample', '--ood', 'sample', '--batch-size', '64'];
  await result(home, [...sample, '--epochs', '3', '--name', 'MSE only', '--tag', 'baseline']);
  const balance = [
    '--lambda-mse',
    '0.5',
    '--lambda-info',
    '0.5',
    '--lambda-moment',
    '1e-3',
    '--lambda-variance',
    '1e-3',
  ];
  await result(home, [...sample, ...balance, '--epochs', '3', '--name', 'MSE + InfoNCE']);
  await makePlans(home, sample.slice(1));
}

/** A sweep with a winner, and a plan that a gate has stopped. */
async function makePlans(home, sample) {
  const vary = ['--vary', 'lr=1e-4..1e-2:log', 'skip=mean,positional', 'start=random,least-squares'];
  const size = ['--members', '8', '--seeds', '2', '--halving', '3:1', '--epochs', '3', '--engine', 'simd'];
  await result(home, ['sweep', ...sample, ...vary, ...size, '--name', 'Learning rate, skip path, start']);
  await result(home, ['plan', '--template', 'recover', ...sample, '--epochs', '1', '--engine', 'simd'], [1]);
}

/** The results of the sweep, in the view that says most. */
async function shootSweep(page, theme) {
  await link(page, 'Plans');
  await page.getByRole('button', { name: 'Results' }).click();
  await page.getByRole('radio', { name: 'Parallel coordinates' }).click();
  await page.getByRole('region', { name: /^Results of/ }).scrollIntoViewIfNeeded();
  await shoot(page, 'sweep', theme);
}

/** One prediction of the Gram mixture, whose parts say what it is made of. */
async function shootPrediction(page, theme) {
  await link(page, 'Predict');
  const run = page.getByRole('combobox', { name: 'Run', exact: true });
  const mixture = run.locator('option', { hasText: 'Gram mixture' }).first();
  await run.selectOption(await mixture.getAttribute('value'));
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  await page.getByText('Reproduces its golden output').waitFor();
  await shoot(page, 'predict', theme);
  await page.getByRole('region', { name: 'Why this prediction' }).evaluate((section) => section.scrollIntoView());
  await shoot(page, 'why', theme);
}

async function link(page, name) {
  await page.getByLabel('Sidebar').getByRole('link', { name }).click();
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
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
  await epochs.nth(4).waitFor({ timeout: 300_000 });
  return page.url();
}

/** What the run tells while its pictures are taken would cover a part of them. */
async function dismissNotices(page) {
  const notices = page.getByRole('list', { name: 'Notices' });
  // In one go: some leave by themselves meanwhile.
  await notices.getByRole('button', { name: 'Dismiss' }).evaluateAll((buttons) => buttons.forEach((b) => b.click()));
  await notices.getByRole('listitem').first().waitFor({ state: 'detached' });
}

async function shoot(page, name, theme) {
  await page.waitForTimeout(SETTLE_MS);
  await dismissNotices(page);
  const isSmall = page.viewportSize().width < SIZE.width;
  const path = join(isSmall ? SMALL_FOLDER : FOLDER, `${name}-${theme}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  console.log(path);
}

/** Pages that show their figures when asked, by their titles in the sidebar. */
const ASK = {
  'Cross-test': async (page) => {
    await page.getByRole('button', { name: /^Test \d+ cell/ }).click();
    await page.getByRole('button', { name: /^Test \d+ cell/ }).waitFor({ timeout: 300_000 });
  },
  Reports: async (page) => {
    const run = page.getByRole('combobox', { name: 'Run', exact: true });
    const unbalanced = run.locator('option', { hasText: 'MSE + InfoNCE' }).first();
    await run.selectOption(await unbalanced.getAttribute('value'));
    await page.getByRole('button', { name: 'Make the report' }).click();
    await page.getByRole('button', { name: 'Save HTML' }).waitFor({ timeout: 300_000 });
  },
};

async function shootAll(page, runUrl, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  const sidebar = page.getByLabel('Sidebar').getByRole('link');
  const titles = (await sidebar.allInnerTexts()).map((text) => text.split('\n')[0].trim()).filter(Boolean);
  for (const title of new Set(titles)) {
    if (title.startsWith('#') || title === 'Predict') continue;
    await link(page, title);
    await ASK[title]?.(page);
    await shoot(page, title.toLowerCase().replaceAll(' ', '-'), theme);
  }
  await shootPrediction(page, theme);
  await shootSweep(page, theme);
  await page.goto(runUrl);
  await page.locator('canvas').first().waitFor();
  await shoot(page, 'run', theme);
}

/** Pages where texts stand beside the vectors. */
async function shootTexts(page, runId, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  await link(page, 'Predict');
  await page.getByRole('textbox', { name: 'Windows' }).fill('120');
  await page.getByRole('button', { name: 'Predict', exact: true }).click();
  const near = page.getByRole('region', { name: /^Nearest neighbours/ });
  await near.waitFor();
  await near.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-predict', theme);

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
  await shoot(page, 'texts-map', theme);

  await page.evaluate((id) => (location.hash = `#/runs/${id}/evaluation`), runId);
  const inspector = page.getByRole('region', { name: /^Window inspector/ });
  await inspector.getByRole('button', { name: 'Best' }).click();
  await inspector.getByText(/by cosine/).waitFor({ timeout: 120_000 });
  await inspector.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-inspector', theme);

  await link(page, 'Reports');
  await page.getByRole('checkbox', { name: 'Quote texts' }).check();
  await page.getByRole('button', { name: 'Make the report' }).click();
  const samples = page.getByText('Texts of the sample windows').first();
  await samples.waitFor({ timeout: 120_000 });
  await samples.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await shoot(page, 'texts-report', theme);
}

async function takeTexts(page, home, [train, ood]) {
  const size = ['--batch-size', '64', '--epochs', '2', '--engine', 'simd'];
  const { runId } = await result(home, ['train', '--data', train, '--ood', ood, ...size, '--name', 'Sentences']);
  await result(home, ['evaluate', runId, '--data', ood]);
  const server = await serve(home);
  try {
    await page.goto(server.url);
    for (const theme of ['light', 'dark']) await shootTexts(page, runId, theme);
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
    if (process.argv[2] === 'texts') return await takeTexts(page, home, process.argv.slice(3));
    const empty = await serve(home);
    await page.goto(empty.url);
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme });
      await page.getByRole('button', { name: 'Retrain on the sample' }).waitFor();
      await shoot(page, 'first-start', theme);
    }
    await empty.stop();
    await makeHistory(home);
    server = await serve(home);
    await page.goto('about:blank');
    await page.goto(server.url);
    const runUrl = await startRun(page);
    for (const size of [SIZE, SMALL_SIZE]) {
      await page.setViewportSize(size);
      for (const theme of ['light', 'dark']) await shootAll(page, runUrl, theme);
    }
  } finally {
    await browser.close();
    await server?.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

await withGoodNode(fileURLToPath(import.meta.url), takeScreenshots);
