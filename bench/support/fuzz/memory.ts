/** Memory of this process after the garbage is gone, and the files it holds open. */
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export interface MemorySample {
  readonly attempts: number;
  readonly rssMb: number;
  readonly heapMb: number;
  /** Array buffers and what else lies outside the heap. */
  readonly externalMb: number;
  /** null where the system does not tell. */
  readonly openFiles: number | null;
}

function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

const mb = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** After garbage collection and a turn for what it finalises, twice. */
export async function sampleMemory(attempts: number): Promise<MemorySample> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { attempts, rssMb: mb(rss), heapMb: mb(heapUsed), externalMb: mb(external), openFiles: openFiles() };
}
