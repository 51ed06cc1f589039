/** Theme of the page: data-theme on :root. The first value is set by public/theme.js before the first paint. */
import { ref, readonly } from 'vue';
import type { Settings } from '#shared/contract/app.ts';

export type Theme = Settings['theme'];
const KEY = 'nextvec-theme';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

let wanted: Theme = (localStorage.getItem(KEY) as Theme | null) ?? 'system';
let lightOnly = false;
const shown = ref<'light' | 'dark'>('light');
/** The theme shown; charts redraw when it changes. */
export const shownTheme = readonly(shown);

function apply(): void {
  const dark = !lightOnly && (wanted === 'dark' || (wanted === 'system' && systemDark.matches));
  shown.value = dark ? 'dark' : 'light';
  document.documentElement.dataset.theme = shown.value;
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
