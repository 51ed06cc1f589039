/** The export menu of the run page on the Node host: what is chosen arrives, and is what it says it is. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXPORT_LABELS, type ExportFormat } from '#shared/domain/run-kinds.ts';
import { parseRecipeFile } from '#shared/domain/recipe-file.ts';
import { decodeSafetensors } from '../../src/main/formats/safetensors.ts';
import { readNpz } from '../support/npz.ts';
import { largestOnnxError } from '../support/onnx.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { goTo, waitForStatus } from './support/steps.ts';

const home = temporaryHome();
let chromium: TestBrowser;
let host: TestHost;
let page: Page;

beforeAll(async () => {
  chromium = await openChromium();
  host = await openNodeHost(chromium, [resolve('tests/fixtures/zoo')], { home: home.path });
  page = host.page;
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.getByRole('button', { name: 'Import a data set…' }).click();
  await host.importFile(resolve('tests/fixtures/zoo/plain.npz'));
  await page.getByText('Imported “plain”').waitFor();
  await goTo(page, 'New run');
  await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('3');
  await page.getByRole('button', { name: /^Start run/ }).click();
  await page.waitForURL(/#\/runs\/.+/);
  await waitForStatus(page, 'Finished');
});
afterAll(async () => {
  await host.close();
  await chromium.close();
  home.remove();
});

async function choose(format: ExportFormat): Promise<void> {
  await page.getByRole('button', { name: 'More' }).click();
  // By keyboard: a test's pointer jumps, and a submenu closes where the pointer jumps past it.
  await page.getByRole('menuitem', { name: 'Export' }).press('ArrowRight');
  await page.getByRole('menuitem', { name: EXPORT_LABELS[format] }).press('Enter');
}

/** A format that is written to the storage folder; the notice says where. */
async function written(format: ExportFormat, fileName: string): Promise<string> {
  await choose(format);
  const path = join(home.path, 'exports', fileName);
  await page.getByText(`Exported ${fileName}`).waitFor();
  await page.getByText(path).waitFor();
  return path;
}

/** A format that comes as text: what the browser saved. */
async function downloaded(format: ExportFormat): Promise<{ name: string; text: string }> {
  const coming = page.waitForEvent('download');
  await choose(format);
  const download: Download = await coming;
  const path = join(home.path, download.suggestedFilename());
  await download.saveAs(path);
  return { name: download.suggestedFilename(), text: await readFile(path, 'utf8') };
}

it('weights arrive as safetensors and npz, under the names of PyTorch', async () => {
  const path = await written('safetensors', 'run-1.safetensors');
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  expect(metadata).toEqual({ format: 'pt', model: 'amn' });
  expect(tensors.get('context_encoder.weight')?.shape[0]).toBe(256);
  const npz = await readNpz(await written('npz', 'run-1.npz'));
  expect([...npz.keys()]).toEqual([...tensors.keys()]);
});

it('the ONNX model gives the golden output', async () => {
  const golden = await readFile(await written('golden', 'run-1-golden.safetensors'));
  const onnx = await readFile(await written('onnx', 'run-1.onnx'));
  expect(await largestOnnxError(onnx, golden)).toBeLessThan(1e-5);
});

it('the figures of each epoch arrive as CSV', async () => {
  const { name, text } = await downloaded('csv');
  expect(name).toBe('run-1-epochs.csv');
  const lines = text.trim().split('\n');
  const head = lines[0].split(',');
  expect(lines).toHaveLength(4);
  expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(['1', '2', '3']);
  const shown = page.getByRole('region', { name: 'Figures of every epoch' }).getByRole('row').nth(1);
  const last = Number(lines[3].split(',')[head.indexOf('valCosine')]);
  expect(await shown.textContent()).toContain(last.toFixed(4).replace('-', '−'));
});

it('the recipe arrives as a command line and as a file', async () => {
  const command = await downloaded('command');
  expect(command.name).toBe('run-1.sh');
  expect(command.text).toMatch(/^nextvec train --data \S+plain\.npz .*--epochs 3/);
  const { name, text } = await downloaded('recipe');
  expect(parseRecipeFile(text, name)).toMatchObject({ recipe: { epochs: 3 }, data: { name: 'plain' } });
});

it('has no error in its console', () => {
  expect(host.problems).toEqual([]);
});
