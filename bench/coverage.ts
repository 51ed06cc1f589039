/**
 * Coverage of the 95 % intervals on simulated sets, and the time of one bootstrap of 1,000 articles and 8 quantities.
 *
 *   node bench/coverage.ts [--sets 4000] [--draws 2000] [--json]
 */
import { parseArgs } from 'node:util';
import { bootstrap } from '#engine/evaluation/bootstrap.ts';
import { Random } from '#engine/random.ts';
import { coverage, COVERAGE_CASES, simulatedSums } from '../tests/support/coverage.ts';

const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: '4000' },
    draws: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});

function milliseconds(): number {
  const { windows, model, baseline } = simulatedSums(
    { articles: 1000, sizeSpread: 1, effects: 'normal' },
    new Random(1),
  );
  const sums = [model, ...Array.from({ length: 7 }, () => baseline)];
  const times = Array.from({ length: 5 }, (_, seed) => {
    const startedMs = performance.now();
    const drawn = bootstrap(windows, sums, seed);
    sums.forEach((_, q) => [drawn.mean(q), drawn.difference(0, q)]);
    return performance.now() - startedMs;
  });
  return Math.min(...times);
}

const results = COVERAGE_CASES.map((of, i) => ({ ...of, ...coverage(of, Number(flags.sets), Number(flags.draws), i) }));
const bootstrapMs = milliseconds();
if (flags.json) console.log(JSON.stringify({ results, bootstrapMs }));
else {
  console.table(results);
  console.log(`10,000 draws of 1,000 articles, 8 quantities: ${bootstrapMs.toFixed(0)} ms`);
}
