/**
 * Hostile words given to real processes of the command line. Each must end with status 0 or, for bad input, 2, print one
 * JSON object as its last line and no stack trace, and leave no file but its storage folder. None has data to train on.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '#engine/random.ts';
import { expression } from './filters.ts';
import { hostileText, pick } from './hostile.ts';
import { recipeFlags } from './recipes.ts';
import { sweepWords } from './sweeps.ts';
import { LIMIT_MS, type FuzzTarget } from './target.ts';

/** From the build, which starts in a third of the time. */
const ENTRY = join(import.meta.dirname, '../../../out/main/cli.js');

interface Ended {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function ended(words: readonly string[], folder: string): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [ENTRY, ...words], { cwd: folder, timeout: 2 * LIMIT_MS }, (error, stdout, stderr) => {
      done({ status: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), stdout, stderr });
    });
  });
}

/** No process can be given a NUL, and Linux takes at most 128 kB a word. */
function passable(words: readonly string[]): string[] {
  return words.map((word) => word.replaceAll('\0', '').slice(0, 30_000));
}

/** Words of one command. */
function commandWords(seed: number): string[] {
  const random = new Random(seed * 1_664_525 + 13);
  // Without data only a filter can be accepted.
  if (seed % 2 === 0) return passable(['runs', `--where=${expression(random, seed)}`]);
  const words = pick(random, [
    () => sweepWords(random),
    () => ['train', '--data=x', ...recipeFlags(random)],
    () => ['train', '--data=x', `--name=${hostileText(random)}`],
    () => ['data', 'rename', '--', 'x', hostileText(random)],
    () => ['export', '1', '--format=csv', `--out=missing/${hostileText(random).replaceAll('..', '')}`],
  ])();
  return passable(words);
}

export async function processes(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-process-'));
  const work = join(folder, 'work');
  mkdirSync(work);
  return {
    name: 'process',
    async attempt(seed) {
      const [command, ...rest] = commandWords(seed);
      const { status, stdout, stderr } = await ended(
        ['--json', '--home', join(folder, 'home'), command, ...rest],
        work,
      );
      const shown = `${JSON.stringify([command, ...rest]).slice(0, 500)}: ${stderr.slice(0, 1000)}`;
      if (status !== 0 && status !== 2) throw new Error(`status ${status} of ${shown}`);
      if (/^\s+at /m.test(stderr)) throw new Error(`a stack trace of ${shown}`);
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      // --help is a text.
      if (status === 2 && !('error' in (JSON.parse(last) as object)))
        throw new Error(`no error in the JSON of ${shown}`);
      const left = readdirSync(work);
      if (left.length > 0) throw new Error(`${JSON.stringify(left)} was left by ${shown}`);
      return status === 0 ? 'accepted' : 'refused';
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
