/** Warnings of a passport are printed to stderr and in the JSON of `import` and `train`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CommandsOn } from '../../support/command.ts';
import { syntheticChunks, writeChunks } from '../datasets/helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'nextvec-warnings-'));
const commands = new CommandsOn(join(folder, 'home'));
afterAll(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

async function nextvec(...words: string[]): Promise<{ stderr: string; lines: Record<string, unknown>[] }> {
  const { stdout, stderr } = await commands.run(...words, '--json');
  return {
    stderr,
    lines: stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

it('import and train report joined files on stderr and in JSON', async () => {
  const data = syntheticChunks(6, 12, 1);
  // Articles 4 to 6 numbered as 1 to 3 are.
  const articles = data.articles.map((article) => ((article - 1) % 3) + 1);
  const file = await writeChunks(join(folder, 'joined.npz'), { ...data, articles });
  const repeats = data.M - new Set(articles.map((article, i) => `${article}:${data.chunks[i]}`)).size;
  const warning = { dataset: 'joined', code: 'CHUNKS_REPEATED', count: repeats };
  const imported = await nextvec('import', file);
  expect(imported.stderr).toContain(`joined: warning CHUNKS_REPEATED (${repeats}): `);
  expect(imported.lines.at(-1)?.['warnings']).toContainEqual(expect.objectContaining(warning));
  const recipe = '--epochs 1 --batch-size 8 --engine simd --threads 1'.split(' ');
  const trained = await nextvec('train', '--data', file, ...recipe);
  expect(trained.stderr).toContain('joined: warning CHUNKS_REPEATED');
  for (const type of ['started', 'finished']) {
    const event = trained.lines.find((line) => line['type'] === type);
    expect(event?.['warnings']).toContainEqual(expect.objectContaining(warning));
  }
}, 60_000);
