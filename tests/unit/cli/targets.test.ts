/** `--out` and `--output-dir` of every command: refused before any work, written once, no copy left behind. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandsOn, runCommand } from '../../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-targets-'));
const home = join(folder, 'home');
const commands = new CommandsOn(home);
afterAll(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function started(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const args = ['out/main/cli.js', ...words, '--home', home];
  return new Promise((done) => {
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      done({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('an unwritable target is reported before the storage folder is opened', () => {
  const blocked = join(folder, 'blocked');
  writeFileSync(blocked, '');
  it.each([
    ['export', ['export', '1', '--format', 'onnx', '--out', join(folder, 'missing', 'a.onnx')]],
    ['predict', ['predict', '1', '--data', 'sample', '--out', folder]],
    ['predict --all', ['predict', '1', '--data', 'sample', '--all', '--out', folder]],
    ['data export', ['data', 'export', 'sample', '--format', 'npz', '--out', join(blocked, 'a.npz')]],
    ['report', ['report', '1', '--out', join(blocked, 'a.md')]],
    ['model-card', ['model-card', '1', '--out', folder]],
    ['map', ['map', 'sample', '--out', join(folder, 'missing', 'a.csv')]],
    ['train', ['train', '--data', 'sample', '--output-dir', blocked]],
  ])(
    '%s',
    async (_command, words) => {
      const storage = join(folder, 'never-made');
      const { status, stderr } = await runCommand([...words, '--home', storage]);
      expect(stderr).toContain('cannot be written: ');
      expect(stderr).not.toContain('    at ');
      expect(status).toBe(2);
      expect(existsSync(storage)).toBe(false);
    },
    30_000,
  );
});

it('an export follows the link it is given and leaves nothing in exports/', async () => {
  expect((await commands.run('import-run', 'tests/fixtures/pt/amn.pt')).stderr).not.toContain('nextvec:');
  symlinkSync('real.onnx', join(folder, 'link.onnx'));
  await commands.close();
  const { status, stderr } = await started(['export', '1', '--format', 'onnx', '--out', join(folder, 'link.onnx')]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(readdirSync(folder).toSorted()).toEqual(['blocked', 'home', 'link.onnx', 'real.onnx']);
  expect(readdirSync(join(home, 'exports'))).toEqual([]);
  await commands.run('export', '1', '--format', 'tfjs', '--out', join(folder, 'web'));
  expect(readdirSync(join(folder, 'web')).toSorted()).toEqual(['model.json', 'weights.bin']);
}, 60_000);

it('a missing TMPDIR is named', async () => {
  const data = join(folder, 'a.npz');
  writeFileSync(data, '');
  const { status, stderr } = await started(['compare-data', data, data], { TMPDIR: join(folder, 'gone') });
  expect(stderr).toContain('Set TMPDIR to a folder that exists');
  expect(stderr).not.toContain('    at ');
  expect(status).toBe(2);
}, 30_000);
