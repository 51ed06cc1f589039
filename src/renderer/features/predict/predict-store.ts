/** Input of the Predict page, kept while other pages are shown. Not here: the answer (use-prediction.ts). */
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { askedSource } from './predict-source.ts';

export const NEIGHBOUR_COUNTS = ['5', '10', '20', '50'] as const;

export const usePredictStore = defineStore('predict', () => {
  const runId = ref('');
  const from = ref<'dataset' | 'file'>('dataset');
  const datasetId = ref('');
  const by = ref<'window' | 'article'>('window');
  const windows = ref('0');
  const article = ref('');
  const place = ref('1');
  const path = ref('');
  const rows = ref('');
  /** Set whose vectors are the neighbours; empty: the context's own, for a file none. */
  const neighboursIn = ref('');
  const neighbours = ref<(typeof NEIGHBOUR_COUNTS)[number]>('10');

  const asked = computed(() =>
    askedSource({
      from: from.value,
      datasetId: datasetId.value,
      by: by.value,
      windows: windows.value,
      article: article.value,
      place: place.value,
      path: path.value,
      rows: rows.value,
    }),
  );
  /** The window chosen by number, or null. */
  const single = computed(() => (/^\s*\d{1,9}\s*$/.test(windows.value) ? Number(windows.value) : null));

  return { runId, from, datasetId, by, windows, article, place, path, rows, neighboursIn, neighbours, asked, single };
});
