/** The engine has stopped working: nothing that the model holds is valid any more. Its run goes on from a checkpoint. */
export class EngineFailure extends Error {
  override readonly name: string = 'EngineFailure';
  /** What to do next, one or two sentences. */
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
