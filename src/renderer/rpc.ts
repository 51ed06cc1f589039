/**
 * The connection to main: `client` for calls, `connection` for its state, `follow` for event streams. Uses the
 * MessagePort of the preload where `nextvecHost` is set, else the Node host's WebSocket. A call made while the
 * connection is down waits for the next one; a call in flight when it drops fails.
 */
import { createORPCClient, DynamicLink } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { readonly, ref } from 'vue';
import type { NextvecClient } from '#shared/contract/index.ts';
import { TYPED_ARRAY_SERIALIZERS } from '#shared/contract/serializers.ts';

/** `refused`: the host is up but rejects this page's token. */
export type ConnectionState = 'connecting' | 'open' | 'lost' | 'refused';
type Link = SocketLink<Record<never, never>> | PortLink<Record<never, never>>;

const TOKEN_KEY = 'nextvec-token';
const RETRY_FIRST_MS = 400;
const RETRY_MAX_MS = 5000;

const state = ref<ConnectionState>('connecting');
export const connection = readonly(state);

let link = Promise.withResolvers<Link>();

function opened(next: Link): void {
  link.resolve(next);
  state.value = 'open';
}

export const client: NextvecClient = createORPCClient(new DynamicLink<Record<never, never>>(() => link.promise));

const TOKEN_FRAGMENT = /^#token=([^&]+)(?:&route=(.*))?$/;

/** Token of the Node host: once from the fragment, then from the tab's own storage, never left in the address bar. */
function takeToken(): string | null {
  const match = TOKEN_FRAGMENT.exec(location.hash);
  if (!match) return sessionStorage.getItem(TOKEN_KEY);
  const token = decodeURIComponent(match[1]);
  sessionStorage.setItem(TOKEN_KEY, token);
  history.replaceState(null, '', `${location.pathname}${location.search}#${match[2] ?? '/'}`);
  return token;
}

/** A page cannot tell a refused upgrade from a host that is down; an HTTP request can. */
async function noteNoAnswer(): Promise<void> {
  try {
    await fetch(location.pathname, { method: 'HEAD', cache: 'no-store' });
    state.value = 'refused';
  } catch {
    state.value = 'lost';
  }
}

function connectSocket(token: string): void {
  let retryMs = RETRY_FIRST_MS;
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';

  function open(): void {
    const socket = new WebSocket(`${scheme}://${location.host}/rpc`, ['nextvec', token]);
    let wasOpen = false;
    socket.addEventListener('open', () => {
      wasOpen = true;
      retryMs = RETRY_FIRST_MS;
      opened(new SocketLink({ websocket: socket, customJsonSerializers: TYPED_ARRAY_SERIALIZERS }));
    });
    socket.addEventListener('close', () => {
      if (wasOpen) {
        // Before the streams on this socket end, so that they see the state.
        state.value = 'lost';
        link = Promise.withResolvers<Link>();
      } else void noteNoAnswer();
      setTimeout(open, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    });
  }
  open();
}

function saysPort(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === 'nextvec-port';
}

function connectPort(): void {
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const port = event.ports[0];
    if (event.source !== window || !saysPort(event.data) || !port) return;
    // A second port means that main has restarted.
    if (state.value === 'open') link = Promise.withResolvers<Link>();
    opened(new PortLink({ port, customJsonSerializers: TYPED_ARRAY_SERIALIZERS }));
    port.start();
  });
  window.postMessage({ type: 'nextvec-ready' }, location.origin === 'null' ? '*' : location.origin);
}

/**
 * After a restart the host's address differs only in its fragment. Opened in a tab that shows the page already, it would
 * keep that page, which may be of an older version: reloads it.
 */
function reloadOnNewToken(): void {
  window.addEventListener('popstate', (event) => {
    if (!TOKEN_FRAGMENT.test(location.hash)) return;
    event.stopImmediatePropagation();
    takeToken();
    location.reload();
  });
}

/** Opens the link and keeps it open for the life of the page. Call once, before the router reads the fragment. */
export function connect(): void {
  if ('nextvecHost' in window) return connectPort();
  reloadOnNewToken();
  const token = takeToken();
  if (token === null) state.value = 'refused';
  else connectSocket(token);
}

export interface FollowOptions<T> {
  /** Called before the first event and after each reconnect, to load the state that the stream then updates. */
  readonly onStart?: () => void | Promise<void>;
  readonly onEvent: (event: T) => void;
  /**
   * Called when the stream fails for another reason than a lost connection; it is reopened after a pause unless this
   * returns false.
   */
  readonly onError?: (error: unknown) => boolean | void;
}

/** Follows an event stream across reconnects until the returned function is called or the stream ends by itself. */
export function follow<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  options: FollowOptions<T>,
): () => void {
  const abort = new AbortController();
  void (async () => {
    for (let pauseMs = RETRY_FIRST_MS; !abort.signal.aborted; pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS)) {
      try {
        const stream = await open(abort.signal);
        await options.onStart?.();
        for await (const event of stream) {
          pauseMs = RETRY_FIRST_MS;
          options.onEvent(event);
        }
        return;
      } catch (error) {
        if (abort.signal.aborted) return;
        if (state.value === 'open' && options.onError?.(error) === false) return;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return () => abort.abort();
}
