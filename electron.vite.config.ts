/**
 * One build for everything that runs: out/main (Electron main, command line, trainer and its helpers), out/preload,
 * out/renderer. Entries of main share chunks. The `dependencies` of package.json stay outside the bundle, in
 * node_modules; `devDependencies` that are imported are bundled, so that an installed app has each package once.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import { helpPages } from './scripts/help-pages.ts';

const MAIN_ENTRIES: Readonly<Record<string, string>> = {
  index: 'src/main/index.ts',
  cli: 'src/main/cli/index.ts',
  trainer: 'src/main/trainer/entry.ts',
  'data-worker': 'src/main/worker/entry.ts',
  'simd-worker': 'src/engine/simd/worker.ts',
};

/** Packages in the bundle with their licence texts, for scripts/third-party.mjs. */
const LICENSES = { fileName: 'licenses.json' };

/** A missing entry would stop the build with a message about rolldown; this one names the file. */
function existing(entries: Readonly<Record<string, string>>): Record<string, string> {
  for (const [name, path] of Object.entries(entries)) {
    if (!existsSync(resolve(path))) console.warn(`electron.vite.config.ts: entry "${name}" is missing: ${path}`);
  }
  return Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(resolve(path))));
}

export default defineConfig({
  main: {
    build: {
      target: 'node22',
      sourcemap: true,
      license: LICENSES,
      // Loaded only where it is installed, in a checkout.
      externalizeDeps: { include: ['playwright-core'] },
      rollupOptions: {
        checks: { pluginTimings: false },
        input: existing(MAIN_ENTRIES),
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      // A sandboxed preload must be one CommonJS file without outside modules.
      externalizeDeps: false,
      rollupOptions: {
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    base: '/',
    plugins: [vue(), helpPages()],
    build: {
      outDir: 'out/renderer',
      target: 'chrome136',
      // Data URLs would need a wider content security policy.
      assetsInlineLimit: 0,
      // Half the text to parse when a page is opened for the first time.
      minify: true,
      license: LICENSES,
      modulePreload: { polyfill: false },
      rollupOptions: {
        input: { index: resolve('src/renderer/index.html') },
        // Chromium then compiles all functions of a chunk off the main thread while it loads. Compiled one by one at
        // their first call, they were a fifth of the task that opens a page for the first time.
        output: { postBanner: '//# allFunctionsCalledOnLoad' },
      },
    },
  },
});
