/** The clusters of training windows as folds: fold f holds out cluster f, the last fold nothing. */
export class Folds {
  /** Places of each cluster's windows among the training windows, ascending. */
  readonly places: readonly Uint32Array[];
  private readonly train: Uint32Array;
  private readonly labels: Uint32Array;

  constructor(train: Uint32Array, labels: Uint32Array) {
    this.train = train;
    this.labels = labels;
    const count = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
    this.places = Array.from({ length: count }, (_, c) =>
      Uint32Array.from(labels.keys()).filter((place) => labels[place] === c),
    );
  }

  get clusters(): number {
    return this.places.length;
  }

  /** Number of the fold that holds out nothing. */
  get whole(): number {
    return this.places.length;
  }

  /** Window ids at `places`. */
  idsAt(places: Uint32Array): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(places, (place) => this.train[place]);
  }

  /** Window ids of each cluster. */
  get ids(): Uint32Array[] {
    return this.places.map((places) => this.idsAt(places));
  }

  /** Window ids that the parts of a fold are fitted on. */
  fittedOn(fold: number): Uint32Array {
    return this.train.filter((_, place) => this.labels[place] !== fold);
  }
}
