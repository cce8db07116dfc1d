/**
 * What is left of a slice of simulated code must be its own promises and nothing else. A slice is one macrotask, in which nothing
 * foreign runs: so whatever resource of the process (a timer, a socket, a request for I/O) is there after it and was not
 * before has been opened by simulated code, and its answer would come when the machine likes.
 */
import type { SliceGuard } from './event-loop.ts';
import { armTripwires, disarmTripwires, TripwireError } from './tripwires.ts';

/** Watches over simulated code in this process. */
export class DeterminismGuard implements SliceGuard {
  #resources: ReadonlyMap<string, number> = new Map();

  enter(): void {
    this.#resources = activeResources();
    armTripwires();
  }

  /** Throws a TripwireError if the slice reached out of the simulation. */
  leave(): void {
    const tripped = disarmTripwires();
    if (tripped !== undefined) throw tripped;
    for (const [kind, count] of activeResources()) {
      const before = this.#resources.get(kind) ?? 0;
      if (count > before) throw new TripwireError(`simulated code left ${count - before} ${kind} open`);
    }
  }
}

/** How many resources of each kind keep this process alive. */
function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
