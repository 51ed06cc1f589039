/** Entry of the command line: out/main/cli.js, started by bin/nextvec.mjs. */
import { watchOutputStreams } from './interruption.ts';
import { main } from './program.ts';

watchOutputStreams();
await main(process.argv.slice(2));
