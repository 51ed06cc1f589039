/** Thresholds of gates and claims in words. */
import { expect, test } from 'vitest';
import { gateCondition, gateThreshold, readsLabel } from '../../../src/renderer/parts/run-words.ts';

test.each([
  ['oodBestLift', 0, '0'],
  ['valLift', 0.01, '+0.01'],
  ['valLift', -0.05, '−0.05'],
  ['valCosine', 0.48, '0.48'],
] as const)('a threshold on %s of %d is shown as %s', (metric, threshold, text) => {
  expect(gateThreshold(metric, threshold)).toBe(text);
});

test('a gate on the lower end of an interval says so', () => {
  const gate = { epoch: 'end', metric: 'oodLift', bound: 'low', threshold: 0, action: 'warn' } as const;
  expect(gateCondition(gate)).toBe('lower end of OOD lift ≥ 0');
  expect(readsLabel(gate)).toBe('OOD lift, lower end');
  expect(readsLabel({ metric: 'oodLift' })).toBe('OOD lift');
});
