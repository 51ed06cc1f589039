/** Entry of the command line: out/main/cli.js, started by bin/nextvec.mjs. */
import { withoutForms } from '../wire/forms.ts';
import { watchOutputStreams } from './interruption.ts';
import { main } from './program.ts';

watchOutputStreams();
withoutForms();
await main(process.argv.slice(2));
