/** Before each file of tests: a fixed fast-check seed, so that a failure can be reproduced; FC_SEED sets another. */
import fc from 'fast-check';
import { afterAll, vi } from 'vitest';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261122) });

// Files share processes.
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.useRealTimers();
});
