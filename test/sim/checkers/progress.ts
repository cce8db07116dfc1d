/** Once nothing is broken any more everybody gets an answer, every process runs, and at quiet nothing is left over. */
import type { Violation } from './history.ts';

/** `unanswered`: operations that clients have begun and that have not ended. */
export function checkAllAnswered(unanswered: number): readonly Violation[] {
  if (unanswered === 0) return [];
  return [{ invariant: 'progress', detail: `${unanswered} operations were never answered` }];
}

export function checkAllUp(isUp: ReadonlyMap<string, boolean>): readonly Violation[] {
  const down = [...isUp].flatMap(([node, up]) => (up ? [] : [node]));
  if (down.length === 0) return [];
  return [{ invariant: 'progress', detail: `${down.join(', ')} did not come up again` }];
}

/** One operation after healing; `answer`: undefined if it came to what it asked for, else what it came to. */
export function checkServed(what: string, answer: string | undefined): readonly Violation[] {
  if (answer === undefined) return [];
  return [{ invariant: 'progress', detail: `after healing ${what} came to ${answer}` }];
}

/** What one process holds when it has had nothing to do for longer than any of its deadlines. */
export interface LeftOver {
  readonly node: string;
  /**
   * Timers that are set. A request that a peer still owes an answer to keeps one alive, and so does an operation.
   */
  readonly timers: number;
  /** Timers that always stand: the beat by which stalls are noticed, the next exchange of anti-entropy, the next round of reaping. */
  readonly standingTimers: number;
  /** Connections, in and out; with each other member one of its own and one of the other's. */
  readonly connections: number;
  /** Virtual milliseconds that an orderly close takes: it waits for operations that run, and for writes that wait. */
  readonly closingMs: number;
}

/** The longest that an orderly close of an idle node may take, virtual milliseconds: one more batch, if that. */
const MAX_IDLE_CLOSE_MS = 1_000;

export function checkNothingLeft(
  { node, timers, standingTimers, connections, closingMs }: LeftOver,
  members: number,
): readonly Violation[] {
  const left = [
    ...(timers > standingTimers ? [`${timers} timers`] : []),
    ...(connections !== 2 * (members - 1) ? [`${connections} connections to ${members - 1} members`] : []),
    ...(closingMs > MAX_IDLE_CLOSE_MS
      ? [`operations or writes that held its close up for ${closingMs} ms`]
      : []),
  ];
  if (left.length === 0) return [];
  return [{ invariant: 'leak', detail: `${node} is idle, and has ${left.join(' and ')}` }];
}
