/** Conditions of `nextvec runs --where`: what they select, and what is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '#shared/contract/runs.ts';
import type { NextvecError } from '#shared/domain/errors.ts';
import { parseWhere } from '../../../src/main/cli/flags/where.ts';

describe('--where', () => {
  const run = {
    status: 'finished',
    name: 'Run 3',
    number: 3,
    tags: ['mse', 'long'],
    best: { valCosine: 0.41, oodCosine: null },
    recipe: { modelType: 'amn', epochs: 20 },
  } as unknown as RunSummary;

  it.each([
    ['status = finished', true],
    ['status != finished', false],
    ['valCosine > 0.4 and model = amn', true],
    ['valCosine > 0.4 and epochs < 20', false],
    ['oodCosine > 0', false],
    ['oodCosine = null', true],
    ['engine = null', true],
    ['tags = long', true],
    ['name ~ "run"', true],
    ['number >= 3', true],
    ['recipe.epochs=20', true],
  ])('%s: %s', (text, expected) => {
    expect(parseWhere(text)(run)).toBe(expected);
  });

  it.each([
    ['name = "Run 3" and number=3', true],
    ["name = 'Run 3'", true],
    ['name = "this and that"', false],
    ['recipe.schedule.kind = constant', false],
    ['model != gru AND number < 4', true],
  ])('%s: %s', (text, expected) => {
    expect(parseWhere(text)(run)).toBe(expected);
  });

  it.each([
    ['', /"" is not a condition/],
    ['status', /"status" is not a condition/],
    ['status = finished or status = failed', /"or status = failed" is not a condition/],
    ['status == finished', /is not a condition/],
    ['status => finished', /is not a condition/],
    ['status = finished;', /is not a condition/],
    ['status = finished; drop', /is not a condition/],
    ['(status = finished)', /is not a condition/],
    ['status = finished and', /"and" is not a condition/],
    ['status = finished and and number = 3', /is not a condition/],
    ['name = Run 3', /"3" is not a condition/],
    ['name = "Run', /is not a condition/],
    ['colour = red', /no "colour"/],
    ['recipe = amn', /no "recipe"/],
    ['recipe.colour = red', /no "recipe.colour"/],
    ['constructor = 1', /no "constructor"/],
    ['status = done', /status is never "done"/],
    ['model = rnn', /recipe.modelType is never "rnn"/],
    ['recipe.split.kind != articles', /never "articles"/],
    ['number > x', /"x" is not a number/],
    ['epochs = many', /"many" is not a number/],
    ['status > 3', /"status" is not a number/],
  ])('refuses %s', (text, why) => {
    expect(() => parseWhere(text)).toThrow(why);
  });

  function outcome(text: string): unknown {
    try {
      parseWhere(text)(run);
      return 'read';
    } catch (error) {
      return (error as NextvecError).code;
    }
  }

  it('refuses or reads any text', () => {
    const parts = fc.constantFrom(
      'status',
      'epochs',
      'recipe.',
      '=',
      '==',
      '!',
      '>',
      '~',
      ' ',
      '"',
      "'",
      ';',
      ' and ',
      ' or ',
      '1',
      'é',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          fc.array(parts, { maxLength: 40 }).map((words) => words.join('')),
        ),
        (text) => {
          expect(['read', 'BAD_INPUT']).toContain(outcome(text));
        },
      ),
    );
    expect(() => parseWhere(`${'a'.repeat(100_000)} `)).toThrow(/is not a condition/);
  });
});
