/**
 * Path of a Chromium that is there already: CHROME_PATH, the search path, the usual places of this system, one that
 * playwright-core installed. Plain JavaScript, because scripts/ uses it too before anything is built.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const USUAL_PLACES = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
};
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** @param {string} name */
export function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function playwrightBrowser() {
  try {
    const { chromium } = await import('playwright-core');
    const path = chromium.executablePath();
    return existsSync(path) ? path : undefined;
  } catch {
    // Not there in an installed app, or it never installed a browser.
    return undefined;
  }
}

export async function findBrowser() {
  const asked = process.env.CHROME_PATH;
  if (asked) {
    if (existsSync(asked)) return asked;
    throw new Error(`CHROME_PATH names ${asked}, which does not exist. Correct it or unset it.`);
  }
  for (const name of process.platform === 'win32' ? [] : NAMES) {
    const path = onPath(name);
    if (path) return path;
  }
  const usual = (USUAL_PLACES[process.platform] ?? []).find((path) => existsSync(path));
  return usual ?? (await playwrightBrowser()) ?? null;
}
