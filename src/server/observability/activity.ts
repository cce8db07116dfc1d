/** What a node has done since its process began, as far as people ask for it without a system of metrics. */
import type { TraceEvent } from '../../ports/tracer.ts';

export class Activity {
  #repairs = 0;
  #conflicts = 0;

  /** Records that another replica, or this one, took because two were compared. */
  get repairs(): number {
    return this.#repairs;
  }

  /** Writes that left several siblings. */
  get conflicts(): number {
    return this.#conflicts;
  }

  note(event: TraceEvent): void {
    if (event.type === 'read-repair' && event.result === 'stored') this.#repairs += 1;
    else if (event.type === 'exchange') this.#repairs += event.repaired;
    else if (event.type === 'siblings' && event.count > 1) this.#conflicts += 1;
  }
}
