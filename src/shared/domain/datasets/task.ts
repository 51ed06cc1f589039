/** What the windows of a data set ask of a model: how many chunks it reads, and whether it reads history before them. */
import { z } from 'zod';
import { plural } from '../figures.ts';

/** With history two inputs precede the context: the mean of the article so far, and the mean of the last chunks before the window. */
export const HISTORY_INPUTS = 2;
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
