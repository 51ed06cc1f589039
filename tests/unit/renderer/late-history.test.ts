/** The address follows the page: at once for the router, a moment later for the browser, and never lost. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMemoryHistory } from 'vue-router';
import { lateHistory } from '../../../src/renderer/late-history.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const browser = createMemoryHistory();
  browser.replace('/');
  const target = new EventTarget();
  return { browser, target, history: lateHistory(browser, target) };
}

test('the router is at the new place at once, the browser a moment later and in the same order', () => {
  const { browser, history } = open();
  history.push('/runs');
  history.replace('/runs?status=done');
  history.push('/new');
  expect(history.location).toBe('/new');
  expect(browser.location).toBe('/');
  vi.runAllTimers();
  expect(browser.location).toBe('/new');
  browser.go(-1);
  expect(browser.location).toBe('/runs?status=done');
  expect(history.location).toBe('/runs?status=done');
});

test.each(['pointerdown', 'keydown', 'pagehide', 'visibilitychange'])('%s finds the address true', (type) => {
  const { browser, target, history } = open();
  history.push('/runs');
  target.dispatchEvent(new Event(type));
  expect(browser.location).toBe('/runs');
  vi.runAllTimers();
  browser.go(-1);
  expect(browser.location).toBe('/');
});

test('a step back of the router leaves from the newest place', () => {
  const { browser, history } = open();
  const heard: string[] = [];
  history.listen((to) => heard.push(to));
  history.push('/runs');
  history.push('/new');
  history.go(-1);
  expect(browser.location).toBe('/runs');
  expect(heard).toEqual(['/runs']);
});

test('a step back of the browser in that moment is not undone by what it had not been told', () => {
  const { browser, history } = open();
  history.push('/runs');
  vi.runAllTimers();
  history.push('/new');
  browser.go(-1);
  vi.runAllTimers();
  expect(browser.location).toBe('/');
  expect(history.location).toBe('/');
});

test('once taken down it has told everything and listens no more', () => {
  const { browser, target, history } = open();
  history.push('/runs');
  history.destroy();
  const push = vi.spyOn(browser, 'push');
  target.dispatchEvent(new Event('keydown'));
  vi.runAllTimers();
  expect(push).not.toHaveBeenCalled();
});

test('what goes along with a change of address is done after it, and at once where none waits', () => {
  const { browser, history } = open();
  const done: string[] = [];
  history.along(() => done.push(`at ${browser.location}`));
  history.push('/runs');
  history.along(() => done.push(`at ${browser.location}`));
  expect(done).toEqual(['at /']);
  vi.runAllTimers();
  expect(done).toEqual(['at /', 'at /runs']);
});
