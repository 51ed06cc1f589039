/** A Nextvec for tests of the services, on a storage folder of their own. */
import { resolve } from 'node:path';
import { createNextvec, type Nextvec, type NextvecOptions } from '../../src/main/nextvec.ts';

/** From the build: these processes start in half of the time they need from source. */
export const BUILT = { trainer: resolve('out/main/trainer.js'), dataWorker: resolve('out/main/data-worker.js') };

/** Opens the storage folder `home` as the Node host does. */
export function openNextvec(home: string, more: Partial<NextvecOptions> = {}): Promise<Nextvec> {
  return createNextvec({
    home,
    host: 'node',
    version: '0.0.0-test',
    resourcesDir: 'resources',
    roots: null,
    entries: BUILT,
    ...more,
  });
}
