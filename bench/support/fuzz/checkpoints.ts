/**
 * Damaged checkpoints. Every second one is sealed anew after the damage (hashes of files and manifest), so that it gets
 * past the hashes to whoever reads tensors and state.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from '../../../src/main/checkpoints/read.ts';
import { writeCheckpoint } from '../../../src/main/checkpoints/write.ts';
import { SMALL_SPEC, checkpointAt } from '../../../tests/support/checkpoint.ts';
import { mutate } from '../mutate.ts';
import { refusalOf } from './import-mutant.ts';
import { mutateJson } from './json.ts';
import type { FuzzTarget } from './target.ts';

const MANIFEST = 'checkpoint.json';

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

interface Sealed {
  sha256?: string;
  files: Record<string, { bytes: number; sha256: string }>;
}

/** Writes the manifest with its seal, as whoever wrote the checkpoint would have. */
function seal(folder: string, manifest: unknown): void {
  const { sha256: _old, ...rest } = (manifest ?? {}) as Sealed;
  writeFileSync(join(folder, MANIFEST), JSON.stringify({ ...rest, sha256: sha256(JSON.stringify(rest)) }));
}

export async function checkpoints(parent: string): Promise<FuzzTarget> {
  const runFolder = mkdtempSync(join(parent, 'nextvec-fuzz-checkpoint-'));
  const { folder } = await writeCheckpoint(checkpointAt(20), {
    runFolder,
    runId: 'fuzz',
    spec: SMALL_SPEC,
    kind: 'last',
    valCosine: 0.4,
  });
  const whole = join(runFolder, folder);
  const mutant = join(runFolder, 'mutant');
  const files = readdirSync(whole);
  const manifest = JSON.parse(readFileSync(join(whole, MANIFEST), 'utf8')) as Sealed;
  const damage = (seed: number): void => {
    const name = files[(seed >> 1) % files.length];
    const isSealed = seed % 2 === 1;
    if (isSealed && name === MANIFEST) return seal(mutant, mutateJson(manifest, seed));
    const bytes = mutate(readFileSync(join(whole, name)), seed);
    writeFileSync(join(mutant, name), bytes);
    if (!isSealed) return;
    const entry = { bytes: bytes.length, sha256: sha256(bytes) };
    seal(mutant, { ...manifest, files: { ...manifest.files, [name]: entry } });
  };
  return {
    name: 'checkpoint',
    async attempt(seed) {
      cpSync(whole, mutant, { recursive: true });
      damage(seed);
      try {
        await readCheckpoint(mutant, { runId: 'fuzz', weightHashes: {} });
        return 'accepted';
      } catch (error) {
        return refusalOf(error);
      } finally {
        rmSync(mutant, { recursive: true });
      }
    },
    close: async () => rmSync(runFolder, { recursive: true, force: true }),
  };
}
