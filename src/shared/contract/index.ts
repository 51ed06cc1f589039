/** Every call the window can make of main, declared once; both ends derive their types from this. */
import type { ContractRouterClient } from '@orpc/contract';
import { appContract } from './app.ts';
import { datasetsContract } from './datasets.ts';
import { evaluationContract } from './evaluation.ts';
import { plansContract } from './plans.ts';
import { inferenceContract } from './inference.ts';
import { runsContract } from './runs.ts';

export const contract = {
  app: appContract,
  datasets: datasetsContract,
  runs: runsContract,
  evaluation: evaluationContract,
  inference: inferenceContract,
  plans: plansContract,
};
export type Contract = typeof contract;
/** What the renderer and the tests hold. */
export type NextvecClient = ContractRouterClient<Contract>;
