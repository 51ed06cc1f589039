/**
 * The only code between a sandboxed page and Electron: it hands one MessagePort to the page, and tells the path of a
 * file dropped on it, which a page cannot know by itself. The whole handshake is in main/hosts/handshake.ts.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';

contextBridge.exposeInMainWorld('nextvecHost', 'electron');
contextBridge.exposeInMainWorld('nextvecPathOf', (file: File) => webUtils.getPathForFile(file));

ipcRenderer.on('nextvec-port', (event) => {
  window.postMessage({ type: 'nextvec-port' }, window.location.origin, event.ports);
});

window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const data = event.data as { type?: unknown } | null;
  if (event.source === window && data?.type === 'nextvec-ready') ipcRenderer.send('nextvec-connect');
});
