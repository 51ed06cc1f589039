/** Damaged PyTorch checkpoints; every second one is damaged inside a member and zipped anew with right checksums. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withWeightsFile } from '../../../src/main/weights/weights-file.ts';
import { mutate } from '../mutate.ts';
import { unzip, zip } from '../rezip.ts';
import { refusalOf } from './import-mutant.ts';
import type { FuzzTarget } from './target.ts';

const FIXTURES = join(import.meta.dirname, '../../../tests/fixtures/pt');

export async function weights(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-pt-'));
  const paths = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.pt'))
    .map((name) => join(FIXTURES, name));
  const originals = paths.map((path) => readFileSync(path));
  const contents = (await Promise.all(paths.map((path) => unzip(path).catch(() => [])))).filter((c) => c.length > 0);
  const damaged = async (seed: number): Promise<Uint8Array> => {
    const file = seed >> 1;
    if (seed % 2 === 0) return mutate(originals[file % originals.length], seed);
    const members = contents[file % contents.length];
    // The pickle says what all else is: it gets half of the damage.
    const pickle = members.findIndex(({ name }) => name.endsWith('data.pkl'));
    const guilty = seed % 4 === 1 && pickle >= 0 ? pickle : seed % members.length;
    return zip(members.map((member, i) => (i === guilty ? { ...member, data: mutate(member.data, seed) } : member)));
  };
  return {
    name: 'pt',
    async attempt(seed) {
      const path = join(folder, 'mutant.pt');
      writeFileSync(path, await damaged(seed));
      try {
        await withWeightsFile(path, async ({ tensors }) => {
          for (const tensor of tensors.values()) await tensor.read();
        });
        return 'accepted';
      } catch (error) {
        return refusalOf(error);
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
