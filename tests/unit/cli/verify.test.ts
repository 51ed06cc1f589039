/** `verify` of a file that is none of its reference files. */
import { expect, it } from 'vitest';
import { runCommand } from '../../support/command.ts';

it('refuses a data set with the name of the file and what it lacks', async () => {
  const { status, stderr } = await runCommand(['verify', 'tests/fixtures/zoo/plain.npz', '--engine', 'cpu']);
  expect(status).toBe(2);
  expect(stderr).toContain('plain.npz: The reference file cannot be used: it has no text array "config".');
  expect(stderr).not.toContain('fault of Nextvec');
});
