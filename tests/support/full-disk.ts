/**
 * Loaded into a process with --import: while the file named by NEXTVEC_TEST_FULL_DISK exists, writing and syncing
 * through fs/promises fails as on a full disk.
 */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const flag = process.env.NEXTVEC_TEST_FULL_DISK ?? '';
const open = fs.open;

function refuseWhenFull(): void {
  if (!existsSync(flag)) return;
  const error = new Error('ENOSPC: no space left on device, write');
  throw Object.assign(error, { code: 'ENOSPC', syscall: 'write' });
}

fs.open = async (...args) => {
  const handle = await open(...args);
  for (const name of ['writeFile', 'write', 'sync'] as const) {
    const method = handle[name].bind(handle) as (...values: never[]) => Promise<unknown>;
    const guarded = async (...values: never[]): Promise<unknown> => {
      refuseWhenFull();
      return method(...values);
    };
    Object.assign(handle, { [name]: guarded });
  }
  return handle;
};
syncBuiltinESMExports();
