/**
 * A trainer process that ends itself with SIGKILL inside a stage of the fit of a Gram mixture, once part of the stage is
 * done. NEXTVEC_TEST_KILL_STAGE: index of the stage, as in `GramTrainer.place`; one beyond the last: no kill.
 */
import { GramTrainer } from '#engine/gram/trainer.ts';

const stage = process.env.NEXTVEC_TEST_KILL_STAGE;
const { step } = GramTrainer.prototype;
GramTrainer.prototype.step = function killedStep(progress) {
  const isKilled = stage === String(this.place.index);
  return step.call(this, isKilled ? () => void process.kill(process.pid, 'SIGKILL') : progress);
};

await import('../../../src/main/trainer/entry.ts');
