/** Adds a line to the run's log. */
import type { LogLine } from '#shared/contract/runs.ts';

export type Log = (level: LogLine['level'], message: string) => void;
