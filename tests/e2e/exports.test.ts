/** Export menu of the run page on the Node host: each format is written with the right content. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXPORT_LABELS, type ExportFormat } from '#shared/domain/runs/run-kinds.ts';
import { parseRecipeFile } from '#shared/domain/recipe/recipe-file.ts';
import { decodeSafetensors } from '../../src/main/formats/safetensors.ts';
import { readNpz } from '../support/npz.ts';
import { largestOnnxError } from '../support/onnx.ts';
import { openChromium, type TestBrowser } from './support/chromium.ts';
import { temporaryHome, type TestHost } from './support/host.ts';
import { openNodeHost } from './support/node-host.ts';
import { chooseSimd, goTo, waitForStatus } from './support/steps.ts';

const home = temporaryHome();
let chromium: TestBrowser;
let host: TestHost;
let page: Page;

beforeAll(async () => {
  chromium = await openChromium();
  host = await openNodeHost(chromium, [resolve('tests/fixtures/zoo')], { home: home.path });
  page = host.page;
  await page.getByRole('button', { name: 'Import a data set…' }).click();
  await host.importFile(resolve('tests/fixtures/zoo/plain.npz'));
  await page.getByText('Imported “plain”').waitFor();
  await goTo(page, 'New run');
  await page.getByRole('textbox', { name: 'Epochs', exact: true }).fill('3');
  await chooseSimd(page);
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
  // By keyboard: the test pointer jumps, which would close the submenu.
  await page.getByRole('menuitem', { name: 'Export' }).press('ArrowRight');
  await page.getByRole('menuitem', { name: EXPORT_LABELS[format] }).press('Enter');
}

/** Path of an export to the storage folder; the notice shows it. */
async function written(format: ExportFormat, fileName: string): Promise<string> {
  await choose(format);
  const path = join(home.path, 'exports', fileName);
  await page.getByText(`Exported ${fileName}`).waitFor();
  await page.getByText(path).waitFor();
  return path;
}

/** A text export, as saved by the browser. */
async function downloaded(format: ExportFormat): Promise<{ name: string; text: string }> {
  const coming = page.waitForEvent('download');
  await choose(format);
  const download: Download = await coming;
  const path = join(home.path, download.suggestedFilename());
  await download.saveAs(path);
  return { name: download.suggestedFilename(), text: await readFile(path, 'utf8') };
}

it('exports weights as safetensors and npz with PyTorch parameter names', async () => {
  const path = await written('safetensors', 'run-1.safetensors');
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  expect(metadata).toEqual({ format: 'pt', model: 'amn' });
  expect(tensors.get('context_encoder.weight')?.shape[0]).toBe(256);
  const npz = await readNpz(await written('npz', 'run-1.npz'));
  expect([...npz.keys()]).toEqual([...tensors.keys()]);
});

it('the exported ONNX model reproduces the golden output', async () => {
  const golden = await readFile(await written('golden', 'run-1-golden.safetensors'));
  const onnx = await readFile(await written('onnx', 'run-1.onnx'));
  expect(await largestOnnxError(onnx, golden)).toBeLessThan(1e-5);
});

it('exports the figures of each epoch as CSV', async () => {
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

it('exports the recipe as a command line and as a file', async () => {
  const command = await downloaded('command');
  expect(command.name).toBe('run-1.sh');
  expect(command.text).toMatch(/^nextvec train --data \S+plain\.npz .*--epochs 3/);
  const { name, text } = await downloaded('recipe');
  expect(parseRecipeFile(JSON.parse(text), name)).toMatchObject({ recipe: { epochs: 3 }, data: { name: 'plain' } });
});

it('logs no console errors', () => {
  expect(host.problems).toEqual([]);
});
