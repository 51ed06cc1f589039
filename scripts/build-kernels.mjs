// Compiles src/engine/simd/assembly to resources/wasm: relaxed and plain SIMD, each with and without shared memory.
// `node scripts/build-kernels.mjs [--force]`; does nothing when the outputs are newer than every source.
// `--abi` writes the ABI number alone, as `npm ci` does: types and lint need it, not the kernels.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isProgram, ROOT } from './node.mjs';

const ASSEMBLY = join(ROOT, 'src/engine/simd/assembly');
const DECLARATIONS = join(ROOT, 'src/engine/simd/abi');
const VERSION = join(DECLARATIONS, 'version.ts');
/** What the kernels are made from; a change of any file builds them again. */
const SOURCES = [ASSEMBLY, DECLARATIONS, fileURLToPath(import.meta.url)];
const OUTPUT = join(ROOT, 'resources/wasm');

const COMMON = [
  join(ASSEMBLY, 'index.ts'),
  '--runtime=stub',
  '-O3',
  '--noAssert',
  '--importMemory',
  '--zeroFilledMemory',
  // Constants lie from 1024 on; the arena of layout.ts begins at 4096.
  '--memoryBase=1024',
  '--initialMemory=1',
  '--maximumMemory=65536',
  '--enable=simd',
];
const RELAXED = ['--enable=relaxed-simd'];
const SHARED = ['--enable=threads', '--sharedMemory'];
const BUILDS = {
  'kernels-relaxed.wasm': [...RELAXED, ...SHARED],
  'kernels-relaxed-single.wasm': [...RELAXED, '--disable=threads'],
  'kernels-simd128.wasm': SHARED,
  'kernels-simd128-single.wasm': ['--disable=threads'],
};

/** Latest change of a file, or of any file in a folder and the folder itself (a file taken away), in ms. */
function changedAt(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changedAt(join(path, name))));
}

/** The ABI number of the declarations, 31 bits: a hash of their text without comments and white space. */
export function abiOfDeclarations() {
  const hash = createHash('sha256');
  for (const name of readdirSync(DECLARATIONS).toSorted()) {
    const file = join(DECLARATIONS, name);
    if (file !== VERSION) hash.update(readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\/|\/\/.*?$|\s+/gms, ''));
  }
  return hash.digest().readUInt32BE() >>> 1;
}

/** Writes abi/version.ts when it is missing or the declarations have changed. */
export function updateVersion() {
  const text = `/// <reference path="./types.d.ts" />
/**
 * Names the interface between TypeScript and the kernels: a hash of all other declarations of this folder. The .wasm
 * exports it and is refused when it differs. Written by scripts/build-kernels.mjs.
 */
export const KERNEL_ABI: i32 = 0x${abiOfDeclarations().toString(16)};
`;
  if (!existsSync(VERSION) || readFileSync(VERSION, 'utf8') !== text) writeFileSync(VERSION, text);
}

async function compile(name, options) {
  const { default: asc } = await import('assemblyscript/asc');
  // A build beside a running test must never show a half-written file.
  const temporary = join(OUTPUT, `.${name}.${process.pid}`);
  const { error, stderr } = await asc.main([...COMMON, ...options, '-o', temporary]);
  if (error) throw new Error(`${name} did not compile:\n${stderr.toString()}`);
  const warnings = stderr.toString();
  if (warnings) process.stderr.write(warnings);
  renameSync(temporary, join(OUTPUT, name));
}

/** Builds what is out of date; returns the names of the files written. */
export async function buildKernels({ force = false } = {}) {
  mkdirSync(OUTPUT, { recursive: true });
  updateVersion();
  const newest = Math.max(...SOURCES.map(changedAt));
  const written = [];
  for (const [name, options] of Object.entries(BUILDS)) {
    if (!force && changedAt(join(OUTPUT, name)) > newest) continue;
    await compile(name, options);
    written.push(name);
  }
  return written;
}

if (isProgram(import.meta.url)) {
  if (process.argv.includes('--abi')) updateVersion();
  else {
    const written = await buildKernels({ force: process.argv.includes('--force') });
    process.stdout.write(written.length > 0 ? `kernels: built ${written.join(', ')}\n` : 'kernels: up to date\n');
  }
}
