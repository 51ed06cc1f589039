/** A real Ray on this machine (`ray.sh`), with the face of its stand-in. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RayClient } from '../../src/main/runs/ray/client.ts';
import type { TestRay } from './ray-stand-in.ts';

const run = promisify(execFile);

export class RealRay implements TestRay {
  readonly address = 'ray://127.0.0.1:8265';
  private readonly folder: string;

  /** `folder`: where Ray is installed, or is to be. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Once it takes jobs. */
  async start(): Promise<void> {
    await run('tests/support/ray.sh', [this.folder, 'start']);
    const client = new RayClient(this.address);
    for (;;) {
      const request = { id: `ready-${Date.now()}`, entryPoint: 'true', cpus: 1, gpus: 0, memoryBytes: 0 };
      const taken = await client.submit(request).then(
        () => true,
        () => false,
      );
      if (taken) return;
      await delay(1000);
    }
  }

  async stop(): Promise<void> {
    await run('tests/support/ray.sh', [this.folder, 'stop']);
  }

  async kill(runId: string): Promise<void> {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (words.includes('\0ray-job\0') && words.includes(`/runs/${runId}/`)) process.kill(Number(pid), 'SIGKILL');
    }
  }

  async jobsOf(runId: string): Promise<string[]> {
    const client = new RayClient(this.address);
    const ids = [runId, `${runId}-2`, `${runId}-3`];
    const jobs = await Promise.all(ids.map((id) => client.job(id)));
    return ids.filter((_, i) => jobs[i] !== null);
  }
}
