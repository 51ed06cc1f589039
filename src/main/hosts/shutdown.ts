/** Kills a host process that hangs while it closes. */

/**
 * Call when closing begins. If anything still keeps the process alive after `ms` (a thread in a system call, a trainer
 * that does not answer), the process kills itself, since `process.exit` waits for threads. What was committed stays; a
 * live run is interrupted and resumes from its last checkpoint.
 */
export function endWithin(ms: number): void {
  const end = (): void => {
    process.stderr.write(`nextvec: still closing after ${ms / 1000} s; ended now. A live run can be resumed.\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  // Does not keep a process alive that has nothing left to do.
  setTimeout(end, ms).unref();
}
