/** Host information and settings. Loaded again after each reconnect. */
import { defineStore } from 'pinia';
import { shallowRef, watch } from 'vue';
import type { AppInfo, Settings } from '#shared/contract/app.ts';
import { client, connection } from '../rpc.ts';
import { setTheme } from '../ui/theme.ts';
import { toastError } from '../ui/feedback/toasts.ts';

export const useAppStore = defineStore('app', () => {
  const info = shallowRef<AppInfo | null>(null);
  const settings = shallowRef<Settings | null>(null);

  async function load(): Promise<void> {
    try {
      [info.value, settings.value] = await Promise.all([client.app.info(), client.app.settings.get()]);
      setTheme(settings.value.theme);
    } catch (error) {
      toastError('Settings could not be read', error);
    }
  }

  async function change(changes: Partial<Settings>): Promise<void> {
    // The theme changes at once; main decides what is stored.
    if (changes.theme) setTheme(changes.theme);
    try {
      settings.value = await client.app.settings.set(changes);
    } catch (error) {
      toastError('The setting was not stored', error);
    }
  }

  watch(connection, (state) => state === 'open' && void load(), { immediate: true });
  return { info, settings, change };
});
