import { availableParallelism } from 'node:os';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';
import { helpPages } from './scripts/help-pages.ts';
import { provideAdapter } from './scripts/software-adapter.mjs';

await provideAdapter();

/** Each of these has a process of its own: it replaces modules of Node or of the program. */
const ISOLATED = ['tests/unit/**/*disk-full.test.ts'];

/** It loads a GPU, takes longest and so runs among the first: projects run in the order of their names. */
const WEBGPU = ['tests/numerics/webgpu.test.ts'];

/** What is waited for may come late on a busy machine. */
const POLL = { expect: { poll: { timeout: 30_000 } } };

const UNIT = {
  ...POLL,
  globalSetup: ['tests/build.mjs'],
  setupFiles: ['tests/setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    // Many files wait for processes that they started: one more at a time than there are cores keeps these busy.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        extends: true,
        test: {
          ...UNIT,
          name: 'unit',
          include: ['tests/{unit,numerics,contract}/**/*.test.ts'],
          exclude: [...ISOLATED, ...WEBGPU],
          // A process loads each module once, not once a file.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          ...UNIT,
          name: 'unit-isolated',
          include: ISOLATED,
        },
      },
      {
        extends: true,
        test: {
          ...UNIT,
          name: 'gpu',
          include: WEBGPU,
        },
      },
      {
        extends: true,
        plugins: [vue(), helpPages()],
        test: {
          name: 'component',
          include: ['tests/component/**/*.test.ts'],
          environment: 'happy-dom',
          setupFiles: ['tests/component/support/setup.ts'],
          unstubGlobals: true,
          isolate: false,
          ...POLL,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          ...POLL,
          testTimeout: 600_000,
          hookTimeout: 300_000,
          // After the others, and not more than there are cores: a trainer beside a window runs at the lowest priority.
          sequence: { groupOrder: 1 },
          maxWorkers: availableParallelism(),
        },
      },
    ],
  },
});
