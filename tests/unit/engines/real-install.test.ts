/** The real TensorFlow, from nothing to an epoch and removed again. Opt-in: it downloads 252 MB and compiles. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const CLI = join(import.meta.dirname, '..', '..', '..', 'src', 'main', 'cli', 'index.ts');
const home = mkdtempSync(join(tmpdir(), 'nextvec-real-engine-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The result, the last line of --json; throws where the status is not 0. */
async function nextvec(...words: string[]): Promise<Record<string, unknown>> {
  const env = { ...process.env, NEXTVEC_HOME: home };
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...words, '--json'], {
    env,
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

test.runIf(process.env.NEXTVEC_TEST_TENSORFLOW === '1')(
  'install, list, an epoch of the sample, remove',
  async () => {
    expect(await nextvec('engines', 'install', 'tensorflow')).toMatchObject({ installed: true, partialBytes: 0 });
    const { engines } = (await nextvec('engines', 'list')) as { engines: object[] };
    expect(engines).toMatchObject([{ name: 'tensorflow', manifest: { version: '2.19.1' } }]);
    const flags = ['--data', 'sample', '--ood', 'sample', '--epochs', '1', '--batch-size', '256'];
    await nextvec('train', ...flags, '--engine', 'tensorflow');
    await nextvec('engines', 'remove', 'tensorflow');
    expect(readdirSync(home)).not.toContain('engines');
  },
  600_000,
);
