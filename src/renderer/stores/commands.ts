/** Commands of the window, used by the palette, the shortcuts and the host's menu. */
import {
  Activity,
  BookOpen,
  Columns2,
  Crosshair,
  Database,
  FileDown,
  FileText,
  Grid3x3,
  ListChecks,
  Moon,
  Play,
  Plus,
  Printer,
  Route,
  Rows3,
  Settings,
  Sun,
  SunMoon,
} from 'lucide-vue-next';
import { computed, type Component, type ComputedRef } from 'vue';
import { useRouter } from 'vue-router';
import type { RunSummary } from '#shared/contract/runs.ts';
import { useDatasetsStore } from './datasets-store.ts';
import { exportPdf } from './export-pdf.ts';
import { chooseRunFile } from './run-file.ts';
import { useRunActions } from './run-actions.ts';
import { useRunsStore } from './runs-store.ts';
import { useAppStore } from './app-store.ts';

export interface Command {
  /** Also the id the host's menu sends. */
  readonly id: string;
  readonly title: string;
  readonly icon: Component;
  readonly keys?: string;
  readonly run: () => void;
}

export interface PageEntry {
  /** Name of its route. */
  readonly name: string;
  readonly title: string;
  readonly icon: Component;
  readonly keys: string;
}

/** Pages of the sidebar, in its order. */
export const SIDEBAR_PAGES: readonly PageEntry[] = [
  { name: 'runs', title: 'Runs', icon: Rows3 },
  { name: 'new-run', title: 'New run', icon: Plus },
  { name: 'datasets', title: 'Data sets', icon: Database },
  { name: 'compare', title: 'Compare', icon: Columns2 },
  { name: 'cross-test', title: 'Cross-test', icon: Grid3x3 },
  { name: 'predict', title: 'Predict', icon: Crosshair },
  { name: 'plans', title: 'Plans', icon: ListChecks },
  { name: 'reports', title: 'Reports', icon: FileText },
].map((page, i) => ({ ...page, keys: `mod+${i + 1}` }));

/** The page of a new run is named by what one does there, and has a key that other apps have for it. */
function pageCommand({ name, title, icon, keys }: PageEntry): Omit<Command, 'run'> {
  if (name === 'new-run') return { id: name, title, icon, keys: 'mod+n' };
  return { id: name, title: `Go to ${title}`, icon, keys };
}

const THEMES = [
  { theme: 'system', title: 'Theme: as the system', icon: SunMoon },
  { theme: 'light', title: 'Theme: light', icon: Sun },
  { theme: 'dark', title: 'Theme: dark', icon: Moon },
] as const;

export function useCommands(openPalette: () => void): ComputedRef<readonly Command[]> {
  const router = useRouter();
  const runs = useRunsStore();
  const datasets = useDatasetsStore();
  const app = useAppStore();
  const actions = useRunActions();
  const go = (name: string) => () => void router.push({ name });

  function liveRun({ id, number }: RunSummary): Command {
    const run = () => void router.push({ name: 'run', params: { id } });
    return { id: 'live-run', title: `Go to the live run, #${number}`, icon: Activity, keys: 'mod+l', run };
  }

  const always: Command[] = [
    ...SIDEBAR_PAGES.map((page) => ({ ...pageCommand(page), run: go(page.name) })),
    { id: 'import', title: 'Import a data set…', icon: FileDown, keys: 'mod+o', run: () => void datasets.chooseFile() },
    { id: 'import-run', title: 'Import a run…', icon: FileDown, run: () => void chooseRunFile() },
    { id: 'export-pdf', title: 'Export page as PDF…', icon: Printer, run: () => void exportPdf() },
    { id: 'sample', title: 'Retrain on the sample', icon: Play, run: () => void actions.retrainOnSample() },
    { id: 'tour', title: 'Tour: a retrain that failed', icon: Route, run: go('tour') },
    { id: 'settings', title: 'Settings', icon: Settings, keys: 'mod+,', run: go('settings') },
    ...THEMES.map(({ theme, title, icon }) => {
      return { id: `theme-${theme}`, title, icon, run: () => void app.change({ theme }) };
    }),
    { id: 'help', title: 'Help', icon: BookOpen, keys: 'f1', run: go('help') },
    { id: 'notices', title: 'Third-party notices', icon: FileText, run: go('notices') },
    { id: 'palette', title: 'Command palette', icon: Rows3, keys: 'mod+k', run: openPalette },
  ];
  return computed(() => (runs.current ? [liveRun(runs.current), ...always] : always));
}
