/** What error messages quote and list: short, whatever a hostile input holds. */
import { expect, it } from 'vitest';
import { NextvecError, toErrorData } from '#shared/domain/errors.ts';
import { issueList } from '#shared/domain/short-text.ts';

it('names the first five issues and counts the others', () => {
  const issues = Array.from({ length: 7 }, (_, i) => ({ path: `items.${i}`, message: 'too big' }));
  expect(issueList(issues)).toBe(
    'items.0: too big; items.1: too big; items.2: too big; items.3: too big; items.4: too big; and 2 more',
  );
});

it('an issue of the whole input has no path', () => {
  expect(issueList([{ path: '', message: 'it is no object' }])).toBe('it is no object');
});

it('cuts long paths and long messages', () => {
  const issue = { path: 'k'.repeat(10_000), message: 'm'.repeat(1_000_000) };
  expect(issueList(Array.from({ length: 3000 }, () => issue)).length).toBeLessThan(3000);
});

it('an error leaves out the middle of a long name that it quotes', () => {
  const name = `${'a'.repeat(70_000)}.npz`;
  const { message, details } = new NextvecError('NOT_FOUND', `There is no file "${name}" here.`, {
    details: { place: name, other: 1 },
  });
  expect(message).toMatch(/^There is no file "a{100}…a{95}\.npz" here\.$/);
  expect(details).toEqual({ place: expect.stringMatching(/^a{100}…a{95}\.npz$/), other: 1 });
});

it('an error quotes usual names whole', () => {
  const path = `/home/${'folder/'.repeat(20)}a.npz`;
  expect(new NextvecError('NOT_FOUND', `There is no file "${path}".`).message).toBe(`There is no file "${path}".`);
});

it.each([
  ['ours', new NextvecError('NOT_FOUND', 'x'.repeat(70_000), { remedy: 'y'.repeat(70_000) })],
  ['of the file system', Object.assign(new Error(), { code: 'ENOENT', syscall: 'open', path: '/x'.repeat(70_000) })],
  ['of a bug', new Error('x'.repeat(70_000))],
])('message and remedy of an error %s are of bounded length', (_, error) => {
  const { message, remedy = '' } = toErrorData(error);
  expect(message.length).toBeLessThanOrEqual(5000);
  expect(remedy.length).toBeLessThanOrEqual(5000);
});
