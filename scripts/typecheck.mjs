/**
 * Type-checks every tsconfig.*.json, as many at a time as there are cores: the renderer with vue-tsc, which needs TypeScript 6,
 * the others with the native compiler of TypeScript 7. Exit 1 on errors.
 * A second run checks only what changed (incremental information in node_modules/.cache).
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { updateVersion } from './build-kernels.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const TSC = 'node_modules/typescript-7/bin/tsc';
const VUE_TSC = 'node_modules/vue-tsc/bin/vue-tsc.js';

/** They take longest and are started first. */
const LONGEST = ['tsconfig.renderer.json', 'tsconfig.tests.json', 'tsconfig.main.json'];

const wanted = process.argv.slice(2);
const found = readdirSync(root)
  .filter((name) => /^tsconfig\.\w+\.json$/.test(name) && name !== 'tsconfig.base.json')
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const configs = [...LONGEST.filter((name) => found.includes(name)), ...found.filter((name) => !LONGEST.includes(name))];

function check(config) {
  const compiler = config.includes('renderer') ? VUE_TSC : TSC;
  return new Promise((resolve) => {
    const started = performance.now();
    const information = `node_modules/.cache/types/${config.replace('.json', '.tsbuildinfo')}`;
    const options = ['--noEmit', '--pretty', 'false', '--incremental', '--tsBuildInfoFile', information];
    const child = spawn(process.execPath, [compiler, '-p', config, ...options], { cwd: root });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${config} (${seconds} s)`);
      // "No inputs were found" is an empty folder, not a type error.
      const empty = output.includes('TS18003');
      if (code !== 0) console.log(output.trimEnd());
      resolve(code === 0 || empty);
    });
  });
}

updateVersion();
const queue = [...configs];
const results = [];
async function work() {
  for (let config = queue.shift(); config !== undefined; config = queue.shift()) results.push(await check(config));
}
await Promise.all(Array.from({ length: Math.min(configs.length, availableParallelism()) }, work));
if (results.some((ok) => !ok)) process.exitCode = 1;
