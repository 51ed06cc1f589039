/**
 * Tests start trainers, data workers and the command line from the build, which is brought up to date before the first of
 * them, and programs of their own, which are bundled: those import most of src/, and take three times as long to start from
 * source.
 */
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'vite';
import { buildIfNeeded } from '../scripts/build-if-needed.mjs';
import { updateVersion } from '../scripts/build-kernels.mjs';

/** As support/programs.ts names them. */
const PROGRAMS = [
  'tests/support/break-gpu.ts',
  'tests/support/kill/killed-import.ts',
  'tests/support/kill/owner.ts',
  'tests/support/kill/owner-of-several.ts',
  'tests/support/kill/stage-trainer.ts',
  'tests/unit/plans/owner.ts',
];
/** A bundled trainer looks for it in its own folder. */
const SIMD_WORKER = 'src/engine/simd/worker.ts';

const folder = resolve('node_modules/.cache/test-programs');

async function bundle() {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const external = Object.keys({ ...dependencies, ...optionalDependencies });
  const named = PROGRAMS.map((path) => [path.slice(0, -'.ts'.length).replaceAll('/', '-'), path]);
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { external, noExternal: true },
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      target: 'node22',
      rollupOptions: {
        input: Object.fromEntries([...named, ['simd-worker', SIMD_WORKER]]),
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
}

export async function setup() {
  updateVersion();
  await buildIfNeeded();
  // Another project of this run has made them.
  if (process.env.NEXTVEC_TEST_PROGRAMS) return;
  rmSync(folder, { recursive: true, force: true });
  await bundle();
  process.env.NEXTVEC_TEST_PROGRAMS = folder;
}
