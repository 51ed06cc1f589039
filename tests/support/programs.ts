/** Files of the programs that tests start: those that tests/build.mjs has bundled, else, for benchmarks, the sources. */
import { join, resolve } from 'node:path';

/** `path`: of the source from the root, e.g. tests/support/kill/owner.ts; it must be in the list of tests/build.mjs. */
export function programFile(path: string): string {
  const folder = process.env.NEXTVEC_TEST_PROGRAMS;
  if (folder === undefined) return resolve(path);
  return join(folder, `${path.replace(/\.ts$/, '').replaceAll('/', '-')}.js`);
}
