/**
 * The Chromium behind the stand-in: one CDP connection, one context whose every request is answered by the app's own
 * protocol handler or refused. `app://nextvec` is `https://nextvec.stand-in.test` there, since Chromium without Electron
 * cannot register a scheme; the app never sees that name.
 */
import { chromium, type BrowserContext, type Request as PageRequest, type Route } from 'playwright-core';

const SCHEME_ORIGIN = 'app://nextvec';
const WEB_ORIGIN = 'https://nextvec.stand-in.test';

export type ProtocolHandler = (request: Request) => Response | Promise<Response>;
type BeforeRequest = (details: { url: string }, answer: (result: { cancel?: boolean }) => void) => void;

export const requests = {
  handlers: new Map<string, ProtocolHandler>(),
  beforeRequest: null as BeforeRequest | null,
  /** Every URL a page requested, as the app sees it. */
  seen: [] as string[],
  /** Requests neither filtered nor handled by the app; in Electron they would leave the machine. */
  escaped: [] as string[],
};

export function toWeb(url: string): string {
  return url.startsWith(SCHEME_ORIGIN) ? WEB_ORIGIN + url.slice(SCHEME_ORIGIN.length) : url;
}

export function toApp(url: string): string {
  return url.startsWith(WEB_ORIGIN) ? SCHEME_ORIGIN + url.slice(WEB_ORIGIN.length) : url;
}

function refusedByFilter(url: string): Promise<boolean> {
  const filter = requests.beforeRequest;
  if (!filter) return Promise.resolve(false);
  return new Promise((resolve) => filter({ url }, ({ cancel }) => resolve(cancel === true)));
}

/** `mayNavigate` is asked for main-frame navigations that a page began. */
export type MayNavigate = (request: PageRequest, url: string) => boolean;

async function answer(route: Route, mayNavigate: MayNavigate): Promise<void> {
  const request = route.request();
  const url = toApp(request.url());
  // "No content" leaves the page where it is, as a prevented will-navigate does; an error would replace it.
  if (request.isNavigationRequest() && !mayNavigate(request, url)) return route.fulfill({ status: 204 });
  requests.seen.push(url);
  if (await refusedByFilter(url)) return route.abort('blockedbyclient');
  const handler = requests.handlers.get(url.split(':', 1)[0]);
  if (!handler) {
    requests.escaped.push(url);
    return route.abort('blockedbyclient');
  }
  const response = await handler(new Request(url, { method: request.method() }));
  const body = Buffer.from(await response.arrayBuffer());
  return route.fulfill({ status: response.status, headers: Object.fromEntries(response.headers), body });
}

export async function connectBrowser(endpoint: string, mayNavigate: MayNavigate): Promise<BrowserContext> {
  const browser = await chromium.connectOverCDP(endpoint);
  const [context] = browser.contexts();
  await context.route('**/*', (route) => answer(route, mayNavigate).catch(() => undefined));
  return context;
}
