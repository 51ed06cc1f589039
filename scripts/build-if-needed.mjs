/** Builds out/ when it is missing or older than what it is made from; says so, is silent otherwise. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { updateVersion } from './build-kernels.mjs';
import { findNode, ROOT, runToEnd } from './node.mjs';

const SOURCES = [
  'src',
  'docs',
  'electron.vite.config.ts',
  'package.json',
  'package-lock.json',
  'scripts/build-kernels.mjs',
  'scripts/help-pages.ts',
  'scripts/third-party.mjs',
];
const RESULTS = ['out/main/index.js', 'out/main/cli.js', 'out/preload/index.cjs', 'out/renderer/index.html'];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Why a build is needed, or null. A shipped package has no sources and is never rebuilt. */
export function buildReason() {
  const missing = RESULTS.find((path) => !existsSync(join(ROOT, path)));
  if (missing) return `${missing} is missing`;
  const sources = SOURCES.map((path) => join(ROOT, path)).filter((path) => existsSync(path));
  const built = Math.min(...RESULTS.map((path) => statSync(join(ROOT, path)).mtimeMs));
  return existsSync(join(ROOT, 'src')) && Math.max(...sources.map(newest)) > built ? 'sources are newer' : null;
}

/** Resolves when out/ is right; throws when the build failed. Everything it prints goes to stderr. */
export async function build(reason) {
  console.error(`Building (${reason}) …`);
  const node = findNode();
  const started = performance.now();
  const run = async (script, ...rest) => {
    if (!existsSync(join(ROOT, script))) throw new Error(`${script} is missing: run "npm ci" first.`);
    const status = await runToEnd(node, [script, ...rest], { stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`The build failed in ${script} (status ${status}); see above.`);
  };
  // Both the kernels and the bundles have the number.
  updateVersion();
  const halves = await Promise.allSettled([
    run('scripts/build-kernels.mjs'),
    run('node_modules/electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'error'),
  ]);
  const failed = halves.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  await run('scripts/third-party.mjs');
  console.error(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

export async function buildIfNeeded() {
  const reason = buildReason();
  if (reason !== null) await build(reason);
}
