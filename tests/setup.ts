/** Fixed fast-check seed, so that a failure can be reproduced; FC_SEED sets another. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20261122) });
