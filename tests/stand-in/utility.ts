/** Preloaded into a forked child: defines `process.parentPort` as in a utilityProcess. */
import { EventEmitter } from 'node:events';

const port = new EventEmitter();
// Electron ends its utility processes when it exits for any reason.
process.on('disconnect', () => process.exit(0));
process.on('message', (data) => port.emit('message', { data, ports: [] }));
Object.assign(process, {
  parentPort: Object.assign(port, { postMessage: (data: unknown) => process.send?.(data), start: () => {} }),
});
