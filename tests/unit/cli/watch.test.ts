/** `watch`: the drawing, a run of another owner to its end; `completion` in a real shell. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { completionScript } from '../../../src/main/cli/commands/completion.ts';
import { createOutput } from '../../../src/main/cli/output.ts';
import { createProgram } from '../../../src/main/cli/program.ts';
import { textChart } from '../../../src/main/cli/text-chart.ts';
import { watch } from '../../../src/main/cli/commands/watch.ts';
import { isOwned } from '../../../src/main/store/home.ts';
import { importChunks, testHome } from '../../support/nextvec.ts';

test('a line of braille rises from the lower left to the upper right, and spans what is between two columns', () => {
  expect(textChart([0, 1], { width: 2, height: 1 })).toEqual({ lines: ['⣠⠞'], low: 0, high: 1 });
  expect(textChart([0, 0, 1, 1], { width: 1, height: 1 })!.lines).toEqual(['⣸']);
  expect(textChart([NaN, 3, null], { width: 2, height: 1 })!.lines).toEqual(['⠤⠤']);
  expect(textChart([null], { width: 2, height: 1 })).toBeNull();
});

test('watches a run that another Nextvec trains, until it ends', async () => {
  const home = await testHome();
  onTestFinished(() => home.dispose());
  const owner = await home.open();
  const chunks = { articles: 20, chunksPerArticle: 20, D: 16 };
  const dataset = await importChunks(owner.client, join(home.path, 'data.npz'), chunks);
  const recipe = { dataset, epochs: 3, batchSize: 32, engine: 'simd' as const };
  const { runId } = await owner.client.runs.start({ recipe, name: 'night' });

  const reader = await home.open({ access: 'reader' });
  let drawn = '';
  const stderr = { write: (text: string) => (drawn += text), isTTY: true, columns: 60 };
  let said = '';
  const out = createOutput(false, { stdout: { write: (text) => (said += text) }, stderr });
  expect(await watch(reader, runId, out)).toBe(0);
  expect(said).toBe('Run #1 finished\n');
  const last = drawn.slice(drawn.lastIndexOf('Run #1 night: finished, epoch 3/3'));
  expect(last).toMatch(/\nvalidation 0\.\d{4}, mean of context 0\.\d{4}: [+−]0\.\d{4}/);
  expect(last.match(/[\u2801-\u28FF]/g)!.length).toBeGreaterThan(100);
  expect(Math.max(...last.split('\n').map((line) => line.length))).toBeLessThan(60 + '\u001B[K'.length);
  expect(isOwned(reader.home)).toBe(true);
  await owner.close();
  expect(isOwned(reader.home)).toBe(false);
});

test('bash completes commands, and the flags of a command', () => {
  const script = completionScript(createProgram(), 'bash');
  const complete = (...words: string[]) => {
    const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _nextvec`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${line}; echo "\${COMPREPLY[@]}"`], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.trim().split(' ');
  };
  expect(complete('nextvec', 'wat')).toEqual(['watch']);
  expect(complete('nextvec', 'train', '--lambda-ms')).toEqual(['--lambda-mse']);
  expect(complete('nextvec', 'inspect', 'package.js')).toEqual(['package.json']);
});

test.each(['zsh', 'fish'] as const)('the completion for %s names every command with its flags, quoted', (shell) => {
  const program = createProgram();
  const script = completionScript(program, shell);
  for (const command of program.commands) expect(script).toContain(command.name());
  // An odd number would leave a string open.
  const quotes = script.replaceAll(shell === 'zsh' ? String.raw`'\''` : String.raw`\'`, '').split("'").length - 1;
  expect(quotes % 2).toBe(0);
});
