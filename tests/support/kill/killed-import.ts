/**
 * An import in a process of its own that is killed (SIGKILL) before its n-th write or sync. Prints how many there were
 * when it reaches the end. Arguments: file, folder of the data set, n.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [file, folder, n] = process.argv.slice(2);
let calls = 0;

function count(): void {
  if (++calls === Number(n)) process.kill(process.pid, 'SIGKILL');
}

const { writeSync, fsyncSync } = fs;
fs.writeSync = ((...args: Parameters<typeof writeSync>) => {
  count();
  return writeSync(...args);
}) as typeof writeSync;
fs.fsyncSync = (fd) => {
  count();
  fsyncSync(fd);
};
syncBuiltinESMExports();
const { importDataset } = await import('../../../src/main/datasets/import/import.ts');
await importDataset(file, folder);
console.log(calls);
