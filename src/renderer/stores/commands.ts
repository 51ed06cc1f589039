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

export function useCommands(openPalette: () => void): ComputedRef<readonly Command[]> {
  const router = useRouter();
  const runs = useRunsStore();
  const datasets = useDatasetsStore();
  const app = useAppStore();
  const actions = useRunActions();

  const pages: Command[] = SIDEBAR_PAGES.map((page) => ({
    id: page.name,
    title: page.name === 'new-run' ? 'New run' : `Go to ${page.title}`,
    icon: page.icon,
    keys: page.name === 'new-run' ? 'mod+n' : page.keys,
    run: () => void router.push({ name: page.name }),
  }));
  const themes = [
    { theme: 'system' as const, title: 'Theme: as the system', icon: SunMoon },
    { theme: 'light' as const, title: 'Theme: light', icon: Sun },
    { theme: 'dark' as const, title: 'Theme: dark', icon: Moon },
  ].map(({ theme, title, icon }) => ({
    id: `theme-${theme}`,
    title,
    icon,
    run: () => void app.change({ theme }),
  }));

  return computed(() => {
    const current = runs.current;
    const live: Command[] = current
      ? [
          {
            id: 'live-run',
            title: `Go to the live run, #${current.number}`,
            icon: Activity,
            keys: 'mod+l',
            run: () => void router.push({ name: 'run', params: { id: current.id } }),
          },
        ]
      : [];
    return [
      ...live,
      ...pages,
      {
        id: 'import',
        title: 'Import a data set…',
        icon: FileDown,
        keys: 'mod+o',
        run: () => void datasets.chooseFile(),
      },
      {
        id: 'import-run',
        title: 'Import a run…',
        icon: FileDown,
        run: () => void chooseRunFile(),
      },
      { id: 'export-pdf', title: 'Export page as PDF…', icon: Printer, run: () => void exportPdf() },
      {
        id: 'sample',
        title: 'Retrain on the sample',
        icon: Play,
        run: () => void actions.retrainOnSample(),
      },
      { id: 'tour', title: 'Tour: a retrain that failed', icon: Route, run: () => void router.push({ name: 'tour' }) },
      {
        id: 'settings',
        title: 'Settings',
        icon: Settings,
        keys: 'mod+,',
        run: () => void router.push({ name: 'settings' }),
      },
      ...themes,
      { id: 'help', title: 'Help', icon: BookOpen, keys: 'f1', run: () => void router.push({ name: 'help' }) },
      {
        id: 'notices',
        title: 'Third-party notices',
        icon: FileText,
        run: () => void router.push({ name: 'notices' }),
      },
      { id: 'palette', title: 'Command palette', icon: Rows3, keys: 'mod+k', run: openPalette },
    ];
  });
}
