/**
 * Coverage of the 95 % intervals on simulated sets. What a bootstrap costs: `bench/bootstrap.ts`.
 *
 *   node bench/coverage.ts [--sets 4000] [--draws 2000] [--json]
 */
import { parseArgs } from 'node:util';
import { coverage, COVERAGE_CASES } from '../tests/support/coverage.ts';

const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: '4000' },
    draws: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});

const results = COVERAGE_CASES.map((of, i) => ({ ...of, ...coverage(of, Number(flags.sets), Number(flags.draws), i) }));
if (flags.json) console.log(JSON.stringify({ results }));
else console.table(results);
