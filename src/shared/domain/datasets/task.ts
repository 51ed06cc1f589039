/** What the windows of a data set ask of a model: how many chunks it reads, and whether it reads history before them. */
import { z } from 'zod';
import { plural } from '../figures.ts';

/** The inputs that history puts before the context: the mean of the article so far, and that of the last chunks before the window. */
export const HISTORY_NAMES = ['article mean', 'history mean'] as const;
export const HISTORY_INPUTS = HISTORY_NAMES.length;
/** Chunks of the context of windows built from chunks, unless the import says otherwise. */
export const DEFAULT_CONTEXT = 5;
/** Bounds of an import's options; the Transformer has as many positions. */
export const MAX_CONTEXT = 100;
export const MAX_HISTORY = 4096;
export const MAX_STRIDE = 4096;

export const TaskSchema = z.object({
  /** Chunks of the context. */
  context: z.int().min(1),
  /** At most so many chunks before the window; null: the windows know no history. */
  history: z.int().min(1).nullable(),
});
export type Task = z.infer<typeof TaskSchema>;

/** `T` counts the inputs of a model, history included. */
export function taskOf({ T, history }: { readonly T: number; readonly history?: number | null }): Task {
  return history ? { context: T - HISTORY_INPUTS, history } : { context: T, history: null };
}

/** Of chunks imported without further options. */
export const USUAL_TASK: Task = { context: DEFAULT_CONTEXT, history: null };

/** Name of input t of a model where history put it before the context; null: a chunk, or the task is not known. */
export function historyName(t: number, task: Task | null): string | null {
  return task?.history == null ? null : (HISTORY_NAMES[t] ?? null);
}

/** Names of a model's T inputs: those of history, then "x 1", "x 2", … */
export function inputNames(T: number, task: Task | null): string[] {
  const before = task?.history == null ? 0 : HISTORY_INPUTS;
  return Array.from({ length: T }, (_, t) => historyName(t, task) ?? `x ${t + 1 - before}`);
}

/** Values of the inputs in their order, those of history with their names. */
export function namedInputs(values: readonly string[], task: Task | null): string[] {
  return values.map((value, t) => {
    const name = historyName(t, task);
    return name === null ? value : `${name} ${value}`;
  });
}

/** Input t of T as a table names it: "Article mean", "4 before", "Last". */
export function inputLabel(t: number, T: number, task: Task | null): string {
  const name = historyName(t, task);
  if (name !== null) return `${name[0].toUpperCase()}${name.slice(1)}`;
  return t === T - 1 ? 'Last' : `${T - 1 - t} before`;
}

/** "5 chunks", "5 chunks with a history of 8". */
export function taskText({ context, history }: Task): string {
  const chunks = plural(context, 'chunk');
  return history === null ? chunks : `${chunks} with a history of ${history}`;
}

/** What is unusual about a task: "T 10", "history 8"; empty for the usual one, or where it is not known. */
export function taskMark(task: Task | null): string {
  const parts = task
    ? [
        ...(task.context === DEFAULT_CONTEXT ? [] : [`T ${task.context}`]),
        ...(task.history === null ? [] : [`history ${task.history}`]),
      ]
    : [];
  return parts.join(', ');
}

/** A name with the mark of the task, unless it says so already: "docs (history 8)". */
export function nameWithTask(name: string, task: Task | null): string {
  const mark = taskMark(task);
  return mark === '' || name.includes(mark) ? name : `${name} (${mark})`;
}

export function isSameTask(a: Task, b: Task): boolean {
  return a.context === b.context && a.history === b.history;
}
