/**
 * Scripts for a page: the preload with the `electron` module it may require, in an isolated world of its own, and the
 * receiving end of contextBridge in the page's world. Both run before any script of the page.
 */
export const PRELOAD_WORLD = 'stand-in-preload';
export const SEND_BINDING = '__standInSend';
export const DELIVER = '__standInDeliver';

/** Runs in the page's world: defines what the preload exposes. Functions are visible but not callable. */
export const EXPOSE_SCRIPT = `
document.addEventListener('stand-in-expose', (event) => {
  const { key, kind, value } = JSON.parse(event.detail);
  const missing = () => { throw new Error(key + ' is not part of the stand-in'); };
  Object.defineProperty(window, key, { value: kind === 'function' ? missing : value, enumerable: true });
});`;

/** Runs in the preload's world. Ids of ports count up over the life of one document. */
const ELECTRON_OF_A_PRELOAD = `
const listeners = new Map();
const ports = new Map();
const send = (message) => globalThis['${SEND_BINDING}'](JSON.stringify(message));
const toWire = (data) => {
  if (typeof data === 'string') return { text: data };
  const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  return { base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) };
};
const fromWire = (data) => 'text' in data ? data.text : Uint8Array.from(atob(data.base64), (c) => c.charCodeAt(0));
const openPort = (id) => {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = (event) => send({ type: 'port-message', port: id, data: toWire(event.data) });
  ports.set(id, port2);
  return port1;
};
globalThis['${DELIVER}'] = (message) => {
  if (message.type === 'port-message') ports.get(message.port)?.postMessage(fromWire(message.data));
  if (message.type === 'port-close') ports.get(message.port)?.close();
  if (message.type === 'ipc') {
    const event = { ports: message.ports.map(openPort) };
    for (const listener of listeners.get(message.channel) ?? []) listener(event, ...message.args);
  }
};
const electron = {
  contextBridge: {
    exposeInMainWorld(key, value) {
      const detail = JSON.stringify({ key, kind: typeof value, value });
      document.dispatchEvent(new CustomEvent('stand-in-expose', { detail }));
    },
  },
  ipcRenderer: {
    on: (channel, listener) => void listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
    send: (channel, ...args) => send({ type: 'ipc', channel, args }),
  },
  webUtils: { getPathForFile: () => { throw new Error('getPathForFile is not part of the stand-in'); } },
};`;

/** A sandboxed preload gets a `require` that knows only electron. */
export function preloadScript(source: string): string {
  return `(() => {
${ELECTRON_OF_A_PRELOAD}
const module = { exports: {} };
const require = (name) => {
  if (name === 'electron') return electron;
  throw new Error('A sandboxed preload cannot require ' + name);
};
((module, exports, require) => {
${source}
})(module, module.exports, require);
})();`;
}
