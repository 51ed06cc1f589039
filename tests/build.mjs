/** Tests start trainers, data workers and the command line from the build: it is brought up to date before the first of them. */
export { buildIfNeeded as setup } from '../scripts/build-if-needed.mjs';
