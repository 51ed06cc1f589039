/**
 * Finds a Chromium to drive: CHROME_PATH, the usual places of this system, one that playwright-core installed before;
 * else installs one (apt-get as root on Debian, playwright-core's own installer elsewhere).
 * As a program: prints the path, or says what to do and exits 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALL_LIMIT_MS = 8 * 60_000;

const USUAL_PLACES = {
  linux: [],
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

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function playwrightBrowser() {
  try {
    const { chromium } = await import('playwright-core');
    const path = chromium.executablePath();
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Path of a Chromium that is there already, or null. */
export async function findBrowser() {
  const asked = process.env.CHROME_PATH;
  if (asked) {
    if (existsSync(asked)) return asked;
    throw new Error(`CHROME_PATH names ${asked}, which does not exist. Correct it or unset it.`);
  }
  for (const name of NAMES) {
    const path = process.platform === 'win32' ? undefined : onPath(name);
    if (path) return path;
  }
  const usual = (USUAL_PLACES[process.platform] ?? []).find((path) => existsSync(path));
  return usual ?? (await playwrightBrowser()) ?? null;
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout: INSTALL_LIMIT_MS });
  return result.status === 0;
}

/** The browser that is there, or a freshly installed one; throws with what to do when neither works. */
export async function findOrInstallBrowser() {
  const found = await findBrowser();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && onPath('apt-get')) {
    console.error('No Chromium here: installing the package "chromium" with apt-get …');
    const env = ['-y', '-q', '--no-install-recommends'];
    if (!run('apt-get', ['install', ...env, 'chromium'])) {
      run('apt-get', ['update', '-q']);
      run('apt-get', ['install', ...env, 'chromium']);
    }
    const installed = await findBrowser();
    if (installed) return installed;
  }
  console.error('No Chromium here: installing one with playwright-core …');
  const cli = fileURLToPath(new URL('../node_modules/playwright-core/cli.js', import.meta.url));
  run(process.execPath, [cli, 'install', 'chromium']);
  const installed = await findBrowser();
  if (installed) return installed;
  throw new Error(
    'No Chromium found and none could be installed. Install Chromium or Chrome, or set CHROME_PATH to its program.',
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(await findOrInstallBrowser());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
