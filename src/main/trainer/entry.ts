/** The trainer process: trains for its owner until that kills it or ends. Entry of trainer.js. */
import { withoutForms } from '../wire/forms.ts';
import { setNiceness } from './niceness.ts';
import { ownerPort } from './port.ts';
import { serveTrainer } from './serve.ts';

// The window and main have priority over the trainer. The last argument is its niceness.
setNiceness(Number(process.argv.at(-1)));
// Ctrl-C and the end of a terminal reach every process in it; the owner decides what becomes of the run.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
withoutForms();
serveTrainer(ownerPort(() => process.exit(0)));
