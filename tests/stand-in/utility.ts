/** Imported into a forked child before its entry: gives it the `process.parentPort` that a utilityProcess has. */
import { EventEmitter } from 'node:events';

const port = new EventEmitter();
// Electron ends its utility processes when it ends itself, however.
process.on('disconnect', () => process.exit(0));
process.on('message', (data) => port.emit('message', { data, ports: [] }));
Object.assign(process, {
  parentPort: Object.assign(port, { postMessage: (data: unknown) => process.send?.(data), start: () => {} }),
});
