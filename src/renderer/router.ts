/** Routes of the page. History is in the fragment, so that app:// and http:// serve one and the same index.html. */
import type { Component } from 'vue';
import { createRouter, createWebHashHistory, type Router, type RouteRecordRaw } from 'vue-router';

declare module 'vue-router' {
  interface RouteMeta {
    /** Name of the window and of the page's landmark. */
    title?: string;
  }
}

type LazyPage = () => Promise<{ default: Component }>;
const PAGES: Readonly<Record<string, LazyPage | undefined>> = import.meta.glob<{ default: Component }>(
  './features/*/*Page.vue',
);

interface PageRoute {
  readonly name: string;
  readonly path: string;
  readonly file: string;
  readonly title: string;
}

const ROUTES: readonly PageRoute[] = [
  { name: 'runs', path: '/runs', file: 'runs/RunsPage', title: 'Runs' },
  { name: 'run', path: '/runs/:id', file: 'run/RunPage', title: 'Run' },
  { name: 'evaluation', path: '/runs/:id/evaluation', file: 'evaluation/EvaluationPage', title: 'Evaluation' },
  { name: 'new-run', path: '/new', file: 'new-run/NewRunPage', title: 'New run' },
  { name: 'datasets', path: '/datasets/:id?', file: 'datasets/DatasetsPage', title: 'Data sets' },
  { name: 'compare', path: '/compare', file: 'compare/ComparePage', title: 'Compare' },
  { name: 'cross-test', path: '/cross-test', file: 'cross-test/CrossTestPage', title: 'Cross-test' },
  { name: 'predict', path: '/predict', file: 'predict/PredictPage', title: 'Predict' },
  { name: 'plans', path: '/plans', file: 'plans/PlansPage', title: 'Plans' },
  { name: 'reports', path: '/reports', file: 'reports/ReportsPage', title: 'Reports' },
  { name: 'settings', path: '/settings', file: 'settings/SettingsPage', title: 'Settings' },
];
export type PageName =
  | 'runs'
  | 'run'
  | 'evaluation'
  | 'new-run'
  | 'datasets'
  | 'compare'
  | 'cross-test'
  | 'predict'
  | 'plans'
  | 'reports'
  | 'settings';

function lazyPage(file: string): LazyPage | undefined {
  return PAGES[`./features/${file}.vue`];
}

/** Whether this build has the page. */
export function hasPage(name: PageName): boolean {
  const route = ROUTES.find((r) => r.name === name);
  return route !== undefined && lazyPage(route.file) !== undefined;
}

/** Starts to load the page of the current address; the router would do so only once the shell is mounted. */
function fetchFirstPage(router: Router): void {
  const page: unknown = router.resolve(router.options.history.location).matched.at(-1)?.components?.default;
  // The router reports the error when it loads the page again.
  if (typeof page === 'function') (page as LazyPage)().catch(() => undefined);
}

export function createAppRouter(): Router {
  const routes: RouteRecordRaw[] = [{ path: '/:anything(.*)*', redirect: '/runs' }];
  for (const { name, path, file, title } of ROUTES) {
    const component = lazyPage(file);
    if (component) routes.push({ name, path, component, meta: { title } });
  }
  const router = createRouter({ history: createWebHashHistory(), routes });
  fetchFirstPage(router);
  router.afterEach((to) => {
    document.title = to.meta.title ? `${to.meta.title} – Nextvec` : 'Nextvec';
  });
  return router;
}
