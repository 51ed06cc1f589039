/**
 * `--out` and `--output-dir` with links, FIFOs, devices, folders, missing parents and names that are too long or hold control
 * characters. A refusal leaves the tree as it was; a write changes the named file and nothing else.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '#engine/random.ts';
import { checkTarget, moveToTarget, withScratch, writeTarget } from '../../../src/main/formats/files/output-file.ts';
import { callOutcome, commandOutcome } from './doors.ts';
import { chance, hostileText, pick } from './hostile.ts';
import type { FuzzTarget } from './target.ts';

const CONTENT = 'written by the fuzz script\n';

/** What a name leads to, by its path below `root`. */
function snapshot(root: string, folder = '.'): Map<string, string> {
  const entries = readdirSync(join(root, folder)).flatMap((name): [string, string][] => {
    const path = join(folder, name);
    const info = lstatSync(join(root, path));
    if (info.isDirectory()) return [[path, 'folder'], ...snapshot(root, path)];
    if (info.isSymbolicLink()) return [[path, `link to ${readlinkSync(join(root, path))}`]];
    return [[path, info.isFile() ? readFileSync(join(root, path), 'utf8') : `special ${info.mode}`]];
  });
  return new Map(entries);
}

/** Files, folders, links and the FIFO below `root`/a/b/box, where targets are named. Returns the box. */
function makeTree(root: string, fifo: string): string {
  const box = join(root, 'a', 'b', 'box');
  mkdirSync(join(box, 'folder'), { recursive: true });
  writeFileSync(join(root, 'a', 'outside'), 'old');
  writeFileSync(join(box, 'file'), 'old');
  for (const [to, name] of [
    ['file', 'link'],
    ['new', 'link-to-new'],
    ['missing/new', 'link-to-missing'],
    ['folder', 'link-to-folder'],
    ['../../outside', 'link-out'],
    ['circle', 'circle'],
    ['/dev/full', 'full'],
    ['/dev/null', 'null'],
    ['link', 'link-to-link'],
  ])
    symlinkSync(to, join(box, name));
  if (process.platform !== 'win32') linkSync(fifo, join(box, 'fifo'));
  return box;
}

const PARTS = [
  'file',
  'new',
  'folder',
  'link',
  'link-to-new',
  'link-to-missing',
  'link-to-folder',
  'link-out',
  'link-to-link',
  'circle',
  'full',
  'null',
  'fifo',
  'missing',
  '.',
  'x'.repeat(255),
  'x'.repeat(256),
  'tab\tnew\nline',
  '\u001b[2J',
  'nul\0',
  '\ud800',
];

/** Stays below the root: the only "..", if there is one, is the first part. */
function target(box: string, random: Random): string {
  if (chance(random, 0.02)) return '';
  const odd = (): string => hostileText(random).replaceAll('..', '');
  const parts = Array.from({ length: 1 + random.integer(3) }, () =>
    chance(random, 0.8) ? pick(random, PARTS) : odd(),
  );
  const start = chance(random, 0.1) ? [box, '..'] : [box];
  return `${[...start, ...parts].join('/')}${chance(random, 0.05) ? '/' : ''}`;
}

async function write(path: string, isMoved: boolean): Promise<void> {
  const checked = await checkTarget(path);
  if (!isMoved) return writeTarget(checked, CONTENT);
  await withScratch(checked, async (scratch) => {
    await writeFile(join(scratch, 'result'), CONTENT);
    await moveToTarget(checked, join(scratch, 'result'));
  });
}

function read(descriptor: number): string {
  const bytes = Buffer.alloc(4096);
  try {
    return bytes.toString('utf8', 0, readSync(descriptor, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

/** The paths whose entry differs. */
function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
}

/** A write must be what `path` leads to, and the only change of the tree. */
function checkWritten(root: string, path: string, changed: readonly string[], fromFifo: string): void {
  // The file system holds U+FFFD for an unpaired surrogate.
  const real = realpathSync(path).toWellFormed();
  const info = lstatSync(real);
  const isWritten = info.isFIFO() ? fromFifo === CONTENT : !info.isFile() || readFileSync(real, 'utf8') === CONTENT;
  if (!isWritten) throw new Error(`${JSON.stringify(path)} does not hold what was written`);
  const others = changed.filter((name) => join(realpathSync(root), name) !== real);
  if (others.length > 0) throw new Error(`writing ${JSON.stringify(path)} changed ${JSON.stringify(others)}`);
}

export async function outputs(parent: string): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(parent, 'nextvec-fuzz-out-'));
  const root = join(folder, 'root');
  // One for all trees, which link to it: making one takes a process.
  const onlyFifo = join(folder, 'fifo');
  if (process.platform !== 'win32') execFileSync('mkfifo', [onlyFifo]);
  mkdirSync(root);
  let box = makeTree(root, onlyFifo);
  let before = snapshot(root);
  const reset = (): void => {
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
    box = makeTree(root, onlyFifo);
    before = snapshot(root);
  };
  /** Named in a command that ends before it writes. */
  const checkOnly = async (path: string, random: Random): Promise<string> => {
    const isFolder = chance(random, 0.4);
    const outcome = await commandOutcome(
      isFolder
        ? ['train', '--data=x', `--output-dir=${path}`]
        : ['export', 'x', `--format=${pick(random, ['onnx', 'csv', 'tfjs'])}`, `--out=${path}`],
    );
    const files = changes(before, snapshot(root)).filter((name) => !lstatSync(join(root, name)).isDirectory());
    if (files.length > 0) throw new Error(`naming ${JSON.stringify(path)} changed ${JSON.stringify(files)}`);
    return outcome;
  };
  const writeTo = async (path: string, random: Random): Promise<string> => {
    // Holds both ends open, so that a writer of the FIFO need not wait for a reader.
    const fifo = openSync(join(box, 'fifo'), constants.O_RDWR | constants.O_NONBLOCK);
    try {
      const outcome = await callOutcome(() => write(path, chance(random, 0.5)));
      const changed = changes(before, snapshot(root));
      if (outcome === 'accepted') checkWritten(root, path, changed, read(fifo));
      else if (changed.length > 0)
        throw new Error(`refusing ${JSON.stringify(path)} changed ${JSON.stringify(changed)}`);
      return outcome;
    } finally {
      closeSync(fifo);
    }
  };
  return {
    name: 'out',
    async attempt(seed) {
      const random = new Random(seed * 134_775_813 + 11);
      const path = target(box, random);
      try {
        return await (seed % 2 === 0 ? writeTo(path, random) : checkOnly(path, random));
      } finally {
        if (changes(before, snapshot(root)).length > 0) reset();
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
