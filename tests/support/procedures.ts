/** Every procedure of the contract by its dotted path, and the same procedure of a router. */
import { isContractProcedure, type AnyContractProcedure, type AnyContractRouter } from '@orpc/contract';
import type { AnyProcedure } from '@orpc/server';
import { contract } from '#shared/contract/index.ts';
import type { Nextvec } from '../../src/main/nextvec.ts';

function proceduresOf(router: AnyContractRouter, path: readonly string[] = []): [string, AnyContractProcedure][] {
  if (isContractProcedure(router)) return [[path.join('.'), router]];
  return Object.entries(router).flatMap(([name, inner]) => proceduresOf(inner, [...path, name]));
}

export const PROCEDURES = proceduresOf(contract);

export function procedureAt(router: Nextvec['router'], path: string): AnyProcedure {
  return path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], router) as AnyProcedure;
}
