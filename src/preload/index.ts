/**
 * The only code between a sandboxed page and Electron: it hands one MessagePort to the page and nothing else.
 * The whole handshake, on both hosts, is described in main/hosts/handshake.ts.
 */
import { contextBridge, ipcRenderer } from 'electron';

contextBridge.exposeInMainWorld('nextvecHost', 'electron');

ipcRenderer.on('nextvec-port', (event) => {
  window.postMessage({ type: 'nextvec-port' }, window.location.origin, event.ports);
});

// Module scripts have run by now, so the page already listens.
window.addEventListener('DOMContentLoaded', () => ipcRenderer.send('nextvec-connect'));
