/** The training loop with a model that takes further steps before the figures of the first are known. */
import { expect, test } from 'vitest';
import { EngineFailure } from '#engine/failure.ts';
import { Trainer } from '#engine/trainer/index.ts';
import type { TrainableModel } from '#engine/types.ts';
import { Recorder, smallSimdModel, smallRun } from '../support/training.ts';

/** `model` whose steps run one after the other some turns of the event loop later; counts how many are pending. */
function delayed(model: TrainableModel, stepsAhead: number): TrainableModel & { readonly mostPending: () => number } {
  let last: Promise<unknown> = Promise.resolve();
  let pending = 0;
  let most = 0;
  const after = <R>(work: () => R | Promise<R>): Promise<R> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
  return {
    spec: model.spec,
    stepsAhead,
    trainStep(input) {
      const given = { ...input, ids: input.ids.slice() };
      most = Math.max(most, ++pending);
      return after(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        pending--;
        return model.trainStep(given);
      });
    },
    predict: (contexts, B) => after(() => model.predict(contexts, B)),
    probe: (contexts, targets, B) => after(() => model.probe(contexts, targets, B)),
    readParameters: () => after(() => model.readParameters()),
    writeParameters: (parameters) => model.writeParameters(parameters),
    readOptimizer: () => after(() => model.readOptimizer()),
    writeOptimizer: (state) => model.writeOptimizer(state),
    setLoss: (loss) => model.setLoss(loss),
    dispose: () => model.dispose(),
    mostPending: () => most,
  };
}

async function run(model: TrainableModel) {
  const recorder = new Recorder();
  const finished = await new Trainer(smallRun(model, recorder)).run();
  return { finished, recorder, parameters: await model.readParameters() };
}

test('steps ahead: figures, checkpoints and weights are those of one step at a time', async () => {
  const ahead = delayed(await smallSimdModel(), 3);
  const [several, single] = [await run(ahead), await run(await smallSimdModel())];
  expect(ahead.mostPending()).toBe(4);
  expect(several.parameters).toEqual(single.parameters);
  for (const column of ['total', 'cosine', 'gradNorm', 'lr'] as const) {
    expect(several.recorder.column(column)).toEqual(single.recorder.column(column));
  }
  const states = ({ checkpoints }: Recorder) =>
    checkpoints.map((saved) => {
      const { kind, state } = saved;
      return [kind, state.step, state.position, 'parameters' in saved && saved.parameters];
    });
  expect(states(several.recorder)).toEqual(states(single.recorder));
});

test('a pause waits for the steps under way, and its checkpoint belongs to the last of them', async () => {
  const recorder = new Recorder();
  const model = delayed(await smallSimdModel(), 3);
  let submitted = 0;
  const trainer: Trainer = new Trainer(
    smallRun(
      {
        ...model,
        trainStep: (input) => {
          submitted = input.step;
          if (input.step === 4) trainer.pause();
          return model.trainStep(input);
        },
      },
      recorder,
      {
        hooks: {
          onCheckpoint: recorder.onCheckpoint,
          onEvent: (event) => {
            if (event.type === 'status' && event.status === 'paused') trainer.stop();
          },
        },
      },
    ),
  );
  expect(await trainer.run()).toMatchObject({ status: 'stopped', step: 4 });
  expect(submitted).toBe(4);
  expect(recorder.checkpoints[0].state).toMatchObject({ step: 4, position: 64 });
});

test('a step that fails while earlier ones are pending fails the run with its error', async () => {
  const model = delayed(await smallSimdModel(), 3);
  const failing: TrainableModel = {
    ...model,
    trainStep: (input) => (input.step > 5 ? Promise.reject(new Error('the device was lost')) : model.trainStep(input)),
  };
  const recorder = new Recorder();
  const finished = await new Trainer(smallRun(failing, recorder)).run();
  expect(finished).toMatchObject({ status: 'failed', reason: 'the device was lost', step: 5 });
  expect(recorder.checkpoints).toEqual([]);
});

test('an engine that stops working interrupts the run; the reason says where, what is left and what to do', async () => {
  const model = delayed(await smallSimdModel(), 3);
  const recorder = new Recorder();
  const failing: TrainableModel = {
    ...model,
    trainStep: (input) =>
      recorder.checkpoints.length > 0
        ? Promise.reject(new EngineFailure('The GPU was lost.', 'Restart the machine.'))
        : model.trainStep(input),
  };
  const { status, reason, step } = await new Trainer(smallRun(failing, recorder)).run();
  const last = recorder.checkpoints.at(-1)?.state;
  expect(status).toBe('interrupted');
  expect(last).toMatchObject({ epoch: 2, position: 0, step });
  expect(reason).toBe(
    `The GPU was lost. The last step was ${step}, in epoch 2. The checkpoint of step ${step} is intact: ` +
      'when resumed, the run goes on from there. Restart the machine.',
  );
});
