/**
 * How finely charts are drawn while they move: at full detail where the machine keeps up, at half of it where frames
 * come late, and at full detail again once the picture rests. One pace for all charts of a group, as they share frames.
 * Pure; the caller gives the time of each frame.
 */

/** A gap this long between frames means that nothing moved. */
export const REST_MS = 150;
/** Later than this on average: frames are being missed (60 a second are 16.7 ms apart). */
const LATE_MS = 19;
const NEWEST_WEIGHT = 0.25;
const COARSE_PX = 2;

export class Pace {
  #last = -Infinity;
  #average = 0;
  #coarse = false;

  /**
   * Pixels a point may be wide in the frame that begins at `now`; any number of charts may ask in one frame. A picture
   * whose view does not move, such as that of a page that opens, is fine however late its frames are.
   */
  pixelsPerPoint(now: number, moving: boolean): number {
    if (!moving) return 1;
    const gap = now - this.#last;
    if (gap > 0) this.#note(gap);
    this.#last = now;
    return this.#coarse ? COARSE_PX : 1;
  }

  #note(gap: number): void {
    if (gap >= REST_MS) {
      this.#average = 0;
      this.#coarse = false;
      return;
    }
    this.#average = this.#average === 0 ? gap : this.#average + NEWEST_WEIGHT * (gap - this.#average);
    // Stays coarse until the picture rests: detail that comes and goes would flicker.
    this.#coarse ||= this.#average > LATE_MS;
  }
}
