/** Faults of the GPU that a trainer process works on, struck from outside (`../break-gpu.ts`). */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultKind } from '#engine/webgpu/device/failure.ts';
import type { NextvecClient } from '#shared/contract/index.ts';
import type { TestHome } from '../nextvec.ts';
import { BUILT } from '../open.ts';
import { programFile } from '../programs.ts';
import { watchLife, type Strike } from './rounds.ts';

/** What the run's reason says of each fault. A GPU that is wrong is found before a run begins, see `break-gpu.ts`. */
const REASONS = {
  lost: /^The GPU .* was lost: /,
  memory: /^The GPU .* has no memory left: /,
  refused: /^The GPU .* refused a command: /,
  silent: /^The GPU .* does not answer: nothing for 4 s\./,
  wrong:
    /^The GPU does not compute the first batch \(\d+ rows\) as simd does; relative differences: gradient of .* 1e-4 is rounding\. Choose another engine/,
} satisfies Record<FaultKind | 'wrong', RegExp>;
export const FAULT_KINDS: readonly FaultKind[] = ['lost', 'memory', 'refused', 'silent'];

/** A trainer that watches for faults in `faultEnvironment`. */
export const BREAKABLE = { ...BUILT, trainer: programFile('tests/support/break-gpu.ts') };

export function faultEnvironment(home: TestHome): Readonly<Record<string, string>> {
  return { NEXTVEC_TEST_BREAK_GPU: flagOf(home) };
}

/** Breaks the GPU of the trainer that works now; returns what its run's reason must say. */
export function breakGpu(home: TestHome, kind: keyof typeof REASONS): RegExp {
  const flag = flagOf(home);
  writeFileSync(`${flag}.new`, kind);
  renameSync(`${flag}.new`, flag);
  return REASONS[kind];
}

/** The GPU breaks, and the machine has none when the run is first resumed. */
export function gpuFault(home: TestHome, kind: FaultKind): Strike {
  return { strike: () => breakGpu(home, kind), after: resumeWithoutAdapter };
}

/** Resumes the run where the machine has lost its GPU: it stays interrupted, as intact as before. */
async function resumeWithoutAdapter(client: NextvecClient, runId: string): Promise<void> {
  const kept = process.env.VK_DRIVER_FILES;
  process.env.VK_DRIVER_FILES = '/no/such/driver.json';
  try {
    await client.runs.resume({ runId });
    const { status, reason } = await watchLife(client, runId, () => {});
    assert.equal(status, 'interrupted', reason);
    assert.match(reason, /^WebGPU finds no adapter: /);
  } finally {
    if (kept === undefined) delete process.env.VK_DRIVER_FILES;
    else process.env.VK_DRIVER_FILES = kept;
  }
}

function flagOf(home: TestHome): string {
  return join(home.path, 'break-gpu');
}
