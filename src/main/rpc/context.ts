/** What the routers work with: the open storage folder, the services on it, and what the host can do. */
import { NextvecError } from '#shared/domain/errors.ts';
import type { NextvecOptions } from '../nextvec.ts';
import type { PlanService } from '../plans/service.ts';
import type { RunService } from '../runs/service.ts';
import type { Home } from '../store/home.ts';
import type { WorkerPool } from '../worker/pool.ts';
import type { CommandBus } from './app.ts';

export interface Services {
  readonly options: NextvecOptions;
  readonly home: Home;
  readonly runs: RunService;
  readonly workers: WorkerPool;
  readonly commands: CommandBus;
  readonly plans: PlanService;
}

/** Before anything that writes. */
export function requireOwner({ home }: Pick<Services, 'home'>): void {
  if (home.access === 'owner') return;
  throw new NextvecError(
    'LOCKED',
    `The storage folder ${home.path} is open in another Nextvec; here it can only be read.`,
    {
      remedy: 'Do this in the Nextvec that has it open, or quit that one first.',
      details: { place: home.path },
    },
  );
}
