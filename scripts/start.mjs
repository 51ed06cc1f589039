/**
 * `npm start`: the Electron app where its runtime is there (or can be fetched) and a display exists; elsewhere one line
 * that says why not, and the same window as a page of the Node host. NEXTVEC_HOST=node skips Electron.
 * Arguments go to "nextvec serve" (--port, --root, --home).
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from './build-if-needed.mjs';
import { ROOT, runToEnd, withGoodNode } from './node.mjs';

const ELECTRON = join(ROOT, 'node_modules', 'electron');
const FETCH_LIMIT_MS = 4 * 60_000;
/** An app that ends this early with an error never showed a window. */
const FAILED_START_MS = 8000;

const hasDisplay = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

/** Why Electron cannot be used here at all, or null. */
function obstacle() {
  if (process.env.NEXTVEC_HOST === 'node') return 'NEXTVEC_HOST=node';
  if (!existsSync(join(ELECTRON, 'package.json'))) return 'the electron package is not installed';
  if (!hasDisplay) return 'no display';
  if (process.platform === 'linux' && process.getuid?.() === 0)
    return 'Chromium keeps its sandbox, which root cannot use';
  return null;
}

/** Path of the runtime's program, or null while it has not been downloaded. */
function electronProgram() {
  const pathFile = join(ELECTRON, 'path.txt');
  if (!existsSync(pathFile)) return null;
  const program = join(ELECTRON, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(program) ? program : null;
}

/** Downloads the runtime with Electron's own installer; resolves to whether it is there now. */
function fetchElectron() {
  console.error('Fetching the Electron runtime (once, about 100 MB) …');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ELECTRON, 'install.js')], { stdio: ['ignore', 'ignore', 'ignore'] });
    const timer = setTimeout(() => child.kill(), FETCH_LIMIT_MS);
    child.on('error', () => resolve(false));
    child.on('close', () => {
      clearTimeout(timer);
      resolve(electronProgram() !== null);
    });
  });
}

/** Runs the app; resolves to null when it could not start, else to its exit status. */
async function runElectron() {
  const started = performance.now();
  const status = await runToEnd(electronProgram(), [ROOT]);
  return status !== 0 && performance.now() - started < FAILED_START_MS ? null : status;
}

async function serve(reason) {
  console.error(`Electron is not used (${reason}); the same window as a page:`);
  const open = hasDisplay && !process.env.SSH_CONNECTION ? ['--open'] : [];
  const cli = join(ROOT, 'out', 'main', 'cli.js');
  return runToEnd(process.execPath, [cli, 'serve', ...open, ...process.argv.slice(2)], { cwd: process.cwd() });
}

await withGoodNode(fileURLToPath(import.meta.url), async () => {
  await buildIfNeeded();
  let reason = obstacle();
  if (reason === null && electronProgram() === null && !(await fetchElectron())) {
    reason = 'its runtime is not installed and could not be fetched';
  }
  if (reason === null) {
    const status = await runElectron();
    if (status !== null) {
      process.exitCode = status;
      return;
    }
    reason = 'it ended at once';
  }
  process.exitCode = await serve(reason);
});
