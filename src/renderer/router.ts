/** Routes of the page. History is in the fragment, so that app:// and http:// serve one and the same index.html. */
import type { Component } from 'vue';
import { createRouter, createWebHashHistory, type Router, type RouteRecordRaw } from 'vue-router';

declare module 'vue-router' {
  interface RouteMeta {
    /** Name of the window and of the page's landmark. */
    title?: string;
  }
}

function page(name: string, path: string, title: string, load: () => Promise<Component>): RouteRecordRaw {
  return { name, path, component: load, meta: { title } };
}

const ROUTES: readonly RouteRecordRaw[] = [
  page('runs', '/runs', 'Runs', () => import('./features/runs/RunsPage.vue')),
  page('run', '/runs/:id', 'Run', () => import('./features/run/RunPage.vue')),
  page('evaluation', '/runs/:id/evaluation', 'Evaluation', () => import('./features/evaluation/EvaluationPage.vue')),
  page('new-run', '/new', 'New run', () => import('./features/new-run/NewRunPage.vue')),
  page('datasets', '/datasets/:id?', 'Data sets', () => import('./features/datasets/DatasetsPage.vue')),
  page('compare', '/compare', 'Compare', () => import('./features/compare/ComparePage.vue')),
  page('cross-test', '/cross-test', 'Cross-test', () => import('./features/cross-test/CrossTestPage.vue')),
  page('predict', '/predict', 'Predict', () => import('./features/predict/PredictPage.vue')),
  page('plans', '/plans', 'Plans', () => import('./features/plans/PlansPage.vue')),
  page('tour', '/tour', 'A retrain that failed', () => import('./features/tour/TourPage.vue')),
  page('reports', '/reports', 'Reports', () => import('./features/reports/ReportsPage.vue')),
  page('settings', '/settings', 'Settings', () => import('./features/settings/SettingsPage.vue')),
  page('help', '/help/:page?/:section?', 'Help', () => import('./features/help/HelpPage.vue')),
  page('notices', '/notices', 'Third-party notices', () => import('./features/help/NoticesPage.vue')),
  { path: '/:anything(.*)*', redirect: '/runs' },
];

export function createAppRouter(): Router {
  const router = createRouter({ history: createWebHashHistory(), routes: ROUTES });
  // A page is mounted in a task of its own, neither in that of the click, which ends with a layout, nor in that which runs
  // the page's module. Safari has no scheduler.
  router.beforeResolve(() => globalThis.scheduler?.yield());
  router.afterEach((to) => {
    document.title = to.meta.title ? `${to.meta.title} – Nextvec` : 'Nextvec';
  });
  return router;
}
