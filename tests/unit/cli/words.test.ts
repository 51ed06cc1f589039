import { Command, CommanderError } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLine, parseCommandLine, splitWords } from '#shared/domain/recipe/command-line.ts';
import { NextvecError } from '#shared/domain/errors.ts';
import { RecipeSchema, type Recipe } from '#shared/domain/recipe/recipe.ts';
import { lambdaOf } from '#shared/domain/models/terms.ts';
import { errorData, exitStatus } from '../../../src/main/cli/exit.ts';
import { createOutput, formatCosine, formatTable, toJsonLine } from '../../../src/main/cli/output.ts';
import { addRecipeFlags, readRecipe } from '../../../src/main/cli/flags/recipe-flags.ts';

function recipeOf(words: readonly string[]): Recipe {
  const command = addRecipeFlags(new Command('train')).option('--data <F>').option('--ood <F>').exitOverride();
  command.parse([...words], { from: 'user' });
  return readRecipe(command.opts(), 'd', null);
}

it('a negative cosine has a minus sign (−), not a hyphen', () => {
  expect(formatCosine(-0.0581)).toBe('−0.0581');
});

describe('flags of train', () => {
  it('applies flags over a preset without changing the preset', () => {
    const recipe = recipeOf(['--preset', 'least-squares', '--lambda-info', '0.1', '--epochs', '5']);
    expect(recipe).toMatchObject({ skip: 'positional', start: 'least-squares', lr: 1e-6, batchSize: 256, epochs: 5 });
    expect(recipe.lambda).toMatchObject({ mse: 1, info_nce: 0.1 });
    expect(recipeOf(['--preset', 'least-squares'])).toMatchObject({ lambda: { info_nce: 0 }, epochs: 3 });
  });

  it('accepts the command line of the original trainer unchanged', () => {
    const line =
      '--model-type amn --data x.npz --epochs 30 --batch-size 32 --lr 5e-4 --device cuda:0 --lambda-mse 0.5 --lambda-info 0.5 ' +
      '--lambda-moment 1e-3 --lambda-variance 1e-3 --tau 0.07 --lambda-dir 0.1 --margin-dir 0.05 --lambda-ac 0.1 --margin-ac 0.02';
    const recipe = recipeOf(line.split(' '));
    expect(recipe).toMatchObject({ epochs: 30, lr: 5e-4, device: 'cuda', tau: 0.07, marginDirectional: 0.05 });
    const lambda = { mse: 0.5, info_nce: 0.5, moment: 1e-3, variance: 1e-3, directional: 0.1, anti_copy: 0.1 };
    expect(recipe.lambda).toEqual(lambdaOf(lambda));
  });

  it('parses the command line the window shows', () => {
    const recipe = RecipeSchema.parse({
      dataset: 'd',
      modelType: 'gru',
      lr: 1e-3,
      schedule: { kind: 'constant' },
      split: { kind: 'random' },
      gates: [{ epoch: 3, metric: 'valLift', threshold: 0.01, action: 'stop' }],
    });
    const words = splitWords(commandLine(recipe, { data: 'x', ood: null })).slice(2);
    expect(recipeOf(words)).toEqual(recipe);
  });

  it('--augment takes a kind and a share, or the share alone', () => {
    for (const word of ['isometry:0.5', '0.5'])
      expect(recipeOf(['--augment', word]).augment).toEqual({ isometry: 0.5 });
    expect(recipeOf([]).augment).toEqual({ isometry: 0 });
    for (const word of ['isometry:', 'noise:0.5'])
      expect(() => recipeOf(['--augment', word])).toThrow(`--augment needs isometry:NUMBER, not "${word}"`);
    expect(() => recipeOf(['--augment', 'isometry:1.5'])).toThrow(/isometry/);
  });

  it('--centre is --inputs centred', () => {
    expect(recipeOf(['--centre']).inputs).toBe('centred');
    expect(parseCommandLine('nextvec train --centre --lr 1e-4').changes.get('inputs')).toBe('centred');
    expect(recipeOf([]).inputs).toBe('absolute');
  });

  it('reads gates from a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nextvec-gates-'));
    const file = join(folder, 'gates.json');
    const gate = { epoch: 'end', metric: 'oodCosine', threshold: 0.4, action: 'warn' };
    writeFileSync(file, JSON.stringify([gate]));
    expect(recipeOf(['--gates', file]).gates).toEqual([gate]);
    writeFileSync(file, '[{"epoch": 0}]');
    expect(() => recipeOf(['--gates', file])).toThrow(/does not hold a list of gates/);
    rmSync(folder, { recursive: true });
  });

  it('refuses non-numbers, values out of range and unknown flags', () => {
    expect(() => recipeOf(['--epochs', 'many'])).toThrow('--epochs needs a number, not "many".');
    expect(() => recipeOf(['--lambda-mse', '0'])).toThrow(/Every loss weight/);
    expect(() => recipeOf(['--epochs', '1.5'])).toThrow(/epochs/);
    expect(() => recipeOf(['--epoch', '3'])).toThrow(CommanderError);
  });
});

describe('output', () => {
  it('writes NaN as null and typed arrays as lists', () => {
    expect(toJsonLine({ a: Number.NaN, b: new Float32Array([1, Number.NaN]), c: null })).toBe(
      '{"a":null,"b":[1,null],"c":null}',
    );
  });

  it('keeps stdout for JSON lines only', () => {
    const written = { stdout: '', stderr: '' };
    const out = createOutput(true, {
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
    });
    out.line('a table');
    out.progress('half', true);
    out.event({ type: 'step' });
    out.result({ ok: true }, () => out.line('readable'));
    expect(written.stdout).toBe('{"type":"step"}\n{"ok":true}\n');
    expect(written.stderr).toBe('half\n');
  });

  it('aligns numbers to the right', () => {
    const table = formatTable([{ n: 1 }, { n: 12_345 }], [{ title: 'rows', value: ({ n }) => n }]);
    expect(table.split('\n')).toEqual(['  rows', '     1', '12,345']);
  });
});

describe('exit status', () => {
  it('is 2 for bad input and usage, 130 for cancelled, 1 for the rest', () => {
    expect(exitStatus(errorData(new NextvecError('NOT_FOUND', '')).code)).toBe(2);
    expect(exitStatus(errorData(new CommanderError(1, 'x', 'error: bad flag')).code)).toBe(2);
    expect(exitStatus(errorData(RecipeSchema.safeParse({ dataset: '', epochs: 0 }).error).code)).toBe(2);
    expect(exitStatus('CANCELLED')).toBe(130);
    expect(exitStatus(errorData(new Error('bug')).code)).toBe(1);
  });

  it('names every invalid field of a recipe', () => {
    const { message } = errorData(RecipeSchema.safeParse({ dataset: 'd', epochs: 0, lr: -1 }).error);
    expect(message).toMatch(/epochs: .*lr: /s);
  });
});

describe('control characters of names', () => {
  const NAME = 'a\u001b[2J\u009b1m\rb';

  it('reach no terminal, in tables, lines, progress, errors and JSON', () => {
    let written = '';
    const stream = { write: (text: string) => (written += text) };
    for (const json of [false, true]) {
      const out = createOutput(json, { stdout: stream, stderr: stream });
      out.table([NAME], [{ title: NAME, value: (name) => name }]);
      out.line(NAME);
      out.progress(NAME, true);
      out.problem(NAME);
      out.event({ [NAME]: NAME });
    }
    expect(written.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(written).toContain('a\\u001b[2J\\u009b1m');
  });

  it('survive a JSON round trip', () => {
    expect(JSON.parse(toJsonLine({ NAME }))).toEqual({ NAME });
  });
});
