/** Builds out/ when it is missing or older than what it is made from; says so, is silent otherwise. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
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
  const options = { stdio: ['ignore', 2, 2] };
  const steps = [
    ['scripts/build-kernels.mjs'],
    ['node_modules/electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'error'],
    ['scripts/third-party.mjs'],
  ];
  for (const step of steps) {
    if (!existsSync(join(ROOT, step[0]))) throw new Error(`${step[0]} is missing: run "npm ci" first.`);
    const status = await runToEnd(node, step, options);
    if (status !== 0) throw new Error(`The build failed in ${step[0]} (status ${status}); see above.`);
  }
  console.error(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

export async function buildIfNeeded() {
  const reason = buildReason();
  if (reason !== null) await build(reason);
}
