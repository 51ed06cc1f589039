/** The stored data sets, and the imports of this window (dataset-imports.ts). */
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { Dataset } from '#shared/contract/datasets.ts';
import { client, connection } from '../rpc.ts';
import { useImports } from './dataset-imports.ts';
import { pickFile } from './file-picker.ts';

export const useDatasetsStore = defineStore('datasets', () => {
  const list = shallowRef<readonly Dataset[]>([]);
  const loaded = shallowRef(false);
  const error = shallowRef<unknown>(null);
  /** File whose import is being prepared in the import dialog. */
  const fileToImport = ref<string | null>(null);

  const byId = computed(() => new Map(list.value.map((dataset) => [dataset.id, dataset])));

  async function load(): Promise<void> {
    try {
      list.value = (await client.datasets.list()).toSorted((a, b) => b.importedAt - a.importedAt);
      error.value = null;
      loaded.value = true;
    } catch (cause) {
      error.value = cause;
    }
  }

  /** Asks for a file, then opens the import dialog. */
  async function chooseFile(): Promise<void> {
    fileToImport.value = await pickFile('dataset');
  }

  watch(connection, (state) => state === 'open' && void load(), { immediate: true });

  return { list, byId, loaded, error, fileToImport, load, chooseFile, ...useImports(load) };
});
