/** One process of `owner.ts`, seen from the test. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { RecipeInput } from '#shared/domain/recipe/recipe.ts';
import type { TestHome } from '../nextvec.ts';
import { programFile } from '../programs.ts';
import type { OwnerMessage } from './owner.ts';

/** Checkpoints are this frequent so that most kills hit one being written. */
export const CHECKPOINT_EVERY_MS = 100;

export interface OwnerProcess {
  readonly owner: ChildProcess;
  last: OwnerMessage | null;
  wasTraining: boolean;
  readonly exited: Promise<void>;
}

/** Gives child processes a shared compile cache where `npm test` has not; short-lived ones would spend most time compiling. */
export function useCompileCache(home: TestHome): void {
  process.env.NODE_COMPILE_CACHE ??= join(home.path, 'compiled');
}

export function startOwner(home: TestHome, recipe: RecipeInput): OwnerProcess {
  useCompileCache(home);
  const args = [join(home.path, 'home'), JSON.stringify(recipe), String(CHECKPOINT_EVERY_MS)];
  // A process group of its own, so that the trainer can be killed with it.
  const owner = fork(programFile('tests/support/kill/owner.ts'), args, { execArgv: [], detached: true });
  const exited = new Promise<void>((resolve) => {
    owner.once('exit', () => resolve());
  });
  const life: OwnerProcess = { owner, last: null, wasTraining: false, exited };
  owner.on('message', (message: OwnerMessage) => {
    life.last = message;
    life.wasTraining ||= message.isTraining;
  });
  return life;
}
