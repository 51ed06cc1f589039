/** Theme of the page: data-theme on :root. The first value is set by public/theme.js before the first paint. */
import { ref, readonly } from 'vue';
import type { Settings } from '#shared/contract/app.ts';

export type Theme = Settings['theme'];
const KEY = 'nextvec-theme';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** An unknown word, of another version, is as good as none. */
function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

let wanted = storedTheme();
let lightOnly = false;
const shown = ref<'light' | 'dark'>('light');
/** The theme shown; charts redraw when it changes. */
export const shownTheme = readonly(shown);

function apply(): void {
  const dark = !lightOnly && (wanted === 'dark' || (wanted === 'system' && systemDark.matches));
  const next = dark ? 'dark' : 'light';
  // Before those who watch the theme read its colours.
  document.documentElement.dataset.theme = next;
  shown.value = next;
}

const tokens = new Map<string, string>();

/** Value of a CSS variable in the theme shown, for canvases. Read once a theme: reading forces a style recalculation. */
export function themeToken(name: string): string {
  const key = `${shown.value} ${name}`;
  const value = tokens.get(key) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  tokens.set(key, value);
  return value;
}

export function setTheme(theme: Theme): void {
  wanted = theme;
  localStorage.setItem(KEY, theme);
  apply();
}

/** Light whatever the setting, as on paper. */
export function setLightOnly(on: boolean): void {
  lightOnly = on;
  apply();
}

export function followSystemTheme(): void {
  systemDark.addEventListener('change', apply);
  apply();
}
