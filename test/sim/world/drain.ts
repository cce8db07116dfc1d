/**
 * Everything that one event caused runs before the next one: promises, ticks, and what those cause in turn.
 *
 * Node empties its tick queue and its microtask queue, each until both are empty, after every macrotask; the function that does
 * so can be called. It drains all, however long a chain of promises is, where a fixed number of `await`s would miss the longer
 * ones. Rejected: one setImmediate for each event, which is as complete and five times as slow, and lets foreign macrotasks of
 * this process run in between, so that nobody could tell what simulated code did from what they did.
 *
 * Inside of a running microtask the call does nothing at all: draining begins in a macrotask, which every drain proves by a
 * promise of its own that must have run.
 */

const processTicks = Reflect.get(process, '_tickCallback') as (() => void) | undefined;

let proofs = 0;

function countProof(): void {
  proofs += 1;
}

/** Runs all microtasks and ticks, and what they cause. Throws if it cannot, for then a run would depend on chance. */
export function drainNow(): void {
  if (processTicks === undefined) throw new Error('this Node.js cannot drain its microtasks on demand');
  const before = proofs;
  // Last in the queue now; what runs before it may queue more, which is drained with it.
  queueMicrotask(countProof);
  processTicks.call(process);
  if (proofs !== before + 1) throw new Error('microtasks drain in a macrotask only');
}
