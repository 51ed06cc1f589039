/**
 * How a page connects to the services. The page's half is renderer/rpc.ts.
 *
 * Electron: the preload sets `window.nextvecHost = 'electron'` before any script runs. The page adds its listener and
 * posts `{ type: 'nextvec-ready' }` to itself; the preload asks main for a port and hands it on as a `message` event on
 * `window`: `event.data` is `{ type: 'nextvec-port' }`, `event.ports[0]` the port, which the page starts. Once a page;
 * a reloaded page asks again. `window.nextvecPathOf(file)` is the path of a dropped file.
 *
 * Node: there is no `nextvecHost`. The page was opened as `http://127.0.0.1:PORT/#token=TOKEN`. It keeps the token in
 * sessionStorage under `nextvec-token`, takes it out of the address bar (`history.replaceState`), and opens
 * `new WebSocket('ws://' + location.host + '/rpc', ['nextvec', token])`. The server answers with subprotocol `nextvec`.
 * Close code 1008 or a refused upgrade means a wrong or missing token: open the address `nextvec serve` printed.
 *
 * On either line: oRPC (`@orpc/client/message-port` or `/websocket`) with TYPED_ARRAY_SERIALIZERS.
 */
export const RPC_PATH = '/rpc';
export const SUBPROTOCOL = 'nextvec';
/** IPC channels of the preload; spelled out there too, since main and preload may not import each other. */
export const CONNECT_CHANNEL = 'nextvec-connect';
export const PORT_CHANNEL = 'nextvec-port';
export const APP_ORIGIN = 'app://nextvec';
