/** Every property test draws the same cases everywhere, so that a red run can be repeated; FC_SEED asks for others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261122) });
