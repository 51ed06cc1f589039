/** Entry of the page: connects to the host, then mounts the app. */
import './zod-setup.ts';
import './ui/styles/tokens.css';
import './ui/styles/base.css';
import './ui/styles/classes.css';
import './ui/styles/table.css';
import './ui/styles/menu.css';
import './ui/styles/prose.css';
import './ui/styles/print.css';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { createAppRouter } from './router.ts';
import { connect } from './rpc.ts';
import { followPrinting } from './ui/print.ts';
import { followSystemTheme } from './ui/theme.ts';

followSystemTheme();
followPrinting();
// Before the router: the host's token stands in the fragment, which the router would take for a route.
connect();
const router = createAppRouter();
// A separate task: the module code has just run, and answers of the host may be waiting.
setTimeout(() => createApp(App).use(createPinia()).use(router).mount('#app'));
