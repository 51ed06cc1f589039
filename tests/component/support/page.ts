/** Mounts a component as the page does (Pinia, router, body) and finds its controls by what they are called. */
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, disposePinia, getActivePinia, setActivePinia } from 'pinia';
import { defineComponent, h, type Component } from 'vue';
import { createMemoryHistory, createRouter, type Router } from 'vue-router';
import { useAppStore } from '../../../src/renderer/stores/app-store.ts';
import { useDatasetsStore } from '../../../src/renderer/stores/datasets-store.ts';
import { useRunsStore } from '../../../src/renderer/stores/runs-store.ts';

const Empty = defineComponent({ render: () => h('div') });
const ROUTES = ['runs', 'run', 'new-run', 'compare', 'cross-test', 'evaluation', 'datasets', 'predict', 'reports'];

export interface Mounted {
  readonly wrapper: VueWrapper;
  readonly router: Router;
}

export async function mountPage(
  component: Component,
  props: Readonly<Record<string, unknown>> = {},
  path = '/',
): Promise<Mounted> {
  // The stores of the page before would go on following the history and the local storage.
  const before = getActivePinia();
  if (before) disposePinia(before);
  localStorage.clear();
  const pinia = createPinia();
  setActivePinia(pinia);
  // The shell has loaded these before a page is opened.
  useAppStore();
  useRunsStore();
  useDatasetsStore();
  await flushPromises();
  const routes = ROUTES.map((name) => ({ name, path: name === 'run' ? '/run/:id' : `/${name}`, component: Empty }));
  const router = createRouter({ history: createMemoryHistory(), routes: [...routes, { path: '/', component: Empty }] });
  await router.push(path);
  const wrapper = mount(component, { props, attachTo: document.body, global: { plugins: [pinia, router] } });
  await flushPromises();
  return { wrapper, router };
}

/** Opens a dialog that is closed at first: what it fills in when it opens is then filled in. */
export async function mountDialog(
  component: Component,
  props: Readonly<Record<string, unknown>> = {},
): Promise<Mounted> {
  const mounted = await mountPage(component, { ...props, open: false });
  await mounted.wrapper.setProps({ open: true });
  await flushPromises();
  return mounted;
}

const squeezed = (text: string | null) => (text ?? '').replace(/\s+/g, ' ').trim();

function named(element: Element): string {
  return squeezed(element.getAttribute('aria-label') ?? element.textContent);
}

function only<E extends Element>(found: readonly E[], what: string): E {
  if (found.length !== 1)
    throw new Error(`${found.length} of ${what} on the page:\n${squeezed(document.body.textContent)}`);
  return found[0];
}

/** The field with this label, in its own element or as aria-label. */
export function field<E extends HTMLInputElement | HTMLSelectElement = HTMLInputElement>(label: string): E {
  const labels = [...document.querySelectorAll('label')].filter((element) => squeezed(element.textContent) === label);
  const labelled = labels.map((element) => element.control ?? document.getElementById(element.htmlFor));
  const direct = [...document.querySelectorAll(`:is(input, select)[aria-label="${label}"]`)];
  return only([...labelled, ...direct].filter((element) => element !== null) as E[], `the field "${label}"`);
}

export function hasField(label: string): boolean {
  const labels = [...document.querySelectorAll('label')].map((element) => squeezed(element.textContent));
  return labels.includes(label) || document.querySelector(`:is(input, select)[aria-label="${label}"]`) !== null;
}

export function button(name: string): HTMLButtonElement {
  const all = [...document.querySelectorAll('button')];
  return only(
    all.filter((element) => named(element) === name),
    `the button "${name}"`,
  );
}

export async function click(element: HTMLElement): Promise<void> {
  element.click();
  await flushPromises();
}

/** Writes into a text field or chooses an option by its value. */
export async function fill(element: HTMLInputElement | HTMLSelectElement, value: string): Promise<void> {
  element.value = value;
  element.dispatchEvent(new Event(element.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
  await flushPromises();
}

/** Types a value and leaves the field. */
export async function change(element: HTMLInputElement, value: string): Promise<void> {
  await fill(element, value);
  element.dispatchEvent(new Event('change', { bubbles: true }));
  await flushPromises();
}

export function texts(selector: string): string[] {
  return [...document.querySelectorAll(selector)].map((element) => squeezed(element.textContent));
}
