/** User actions by visible names. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';

export const PAGES = [
  'Runs',
  'New run',
  'Data sets',
  'Compare',
  'Cross-test',
  'Predict',
  'Plans',
  'Reports',
  'Help',
  'Settings',
] as const;
export type PageTitle = (typeof PAGES)[number];

/** Clicks a page in the sidebar, holding the button for `pressMs`, and waits for its heading. */
export async function goTo(page: Page, title: PageTitle, pressMs = 0): Promise<void> {
  await page.getByLabel('Sidebar').getByRole('link', { name: title }).click({ delay: pressMs });
  await page.getByRole('main').getByRole('heading', { level: 1, name: title }).waitFor();
}

/** Imports the chosen file as the import dialog suggests. */
export async function acceptImport(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Import / });
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
}

export async function retrainOnSample(page: Page): Promise<void> {
  await goTo(page, 'Runs');
  await page.getByRole('button', { name: 'Retrain on the sample' }).click();
  await page.waitForURL(/#\/runs\/.+/);
}

/** In the form of a new run: one thread of simd. `auto` would first measure for a second each engine that runs here. */
export async function chooseSimd(page: Page): Promise<void> {
  await page.getByText('Optimiser and engine').click();
  await page.getByRole('combobox', { name: 'Engine', exact: true }).selectOption('simd');
  await page.getByRole('textbox', { name: 'Threads', exact: true }).fill('1');
}

/** The progress strip of the run page with this status in it. */
export function runStatus(page: Page, status: string): Locator {
  return page.getByRole('main').getByText(status, { exact: true }).first();
}

export async function waitForStatus(page: Page, status: string, timeoutMs = 300_000): Promise<void> {
  await runStatus(page, status).waitFor({ timeout: timeoutMs });
}

/** Resolves after `count` animation frames of the page. */
export function nextFrames(page: Page, count: number): Promise<void> {
  return page.evaluate(async (frames) => {
    for (let i = 0; i < frames; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
  }, count);
}

/** The content of all canvases on the page, as one string. */
export function drawing(page: Page): Promise<string> {
  return page.evaluate(() => [...document.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join('|'));
}

/** Folders of stored data sets. */
export function storedDatasets(home: string): string[] {
  try {
    return readdirSync(join(home, 'datasets')).toSorted();
  } catch {
    return [];
  }
}
