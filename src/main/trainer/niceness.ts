/** CPU priority of this process. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const OWN_SESSION = '/proc/self/autogroup';
const OWN_THREADS = '/proc/self/task';

/** 0 (normal) to 19 (lowest priority). Where the system does not allow it, nothing changes. */
export function setNiceness(niceness: number): void {
  ifAllowed(() => setPriority(niceness));
  if (process.platform !== 'linux') return;
  // On Linux each thread has its own niceness, and V8's garbage-collector and compiler threads already run.
  for (const thread of readdirSync(OWN_THREADS)) ifAllowed(() => setPriority(Number(thread), niceness));
  // With autogroups only the niceness of the session counts between sessions.
  ifAllowed(() => leadsSession() && writeFileSync(OWN_SESSION, String(niceness)));
}

function ifAllowed(change: () => void): void {
  try {
    change();
  } catch {
    // Not allowed here, a thread that has just ended, a kernel without autogroups: training works at normal priority.
  }
}

/** Whether the session is this process's own, so that no other process changes priority. */
function leadsSession(): boolean {
  // The sixth field; the second, the name in parentheses, may hold spaces.
  const [, , , session] = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return Number(session) === process.pid;
}
