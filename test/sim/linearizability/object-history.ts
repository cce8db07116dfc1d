/**
 * What clients did with one key that plain writes and conditional ones share, and were told: the input of object-search.ts.
 *
 * The key's state is a set of write events, those of its siblings, tombstones included, as a text in one canonical form. A
 * conditional write takes the place of all of them; a plain one joins them, in place of those that its client had seen.
 */

/** Names of events in their order, with a space between; that of a deletion begins with `-`. Nothing: the empty text. */
export type ObjectState = string;

export type ObjectRequest =
  | { readonly type: 'read' }
  /** Where nothing is live. */
  | { readonly type: 'create'; readonly event: string }
  /** Where exactly this is. */
  | { readonly type: 'replace'; readonly expected: ObjectState; readonly event: string }
  /** Anywhere. `replaces`: events that its client had seen. */
  | { readonly type: 'plain'; readonly replaces: ReadonlySet<string>; readonly event: string };

export type ObjectOutcome =
  /** Took effect between call and return. */
  | { readonly type: 'ok' }
  /** A read, or a refusal together with what was there instead. */
  | { readonly type: 'shown'; readonly state: ObjectState }
  /** Took effect at some time after its call, or never will. */
  | { readonly type: 'unknown' };

export interface ObjectOperation {
  readonly id: number;
  /** Places in one sequence of all calls and returns (checkers/history.ts), never clock readings. */
  readonly calledAt: number;
  /** Infinity if the outcome is unknown. */
  readonly returnedAt: number;
  readonly request: ObjectRequest;
  readonly outcome: ObjectOutcome;
}

/** `events`: names in any order. */
export function stateOf(events: Iterable<string>): ObjectState {
  return [...events].sort().join(' ');
}

export function eventsIn(state: ObjectState): readonly string[] {
  return state === '' ? [] : state.split(' ');
}

export function isDeletion(event: string): boolean {
  return event.startsWith('-');
}

/** Whether nothing is live. */
export function isDead(state: ObjectState): boolean {
  return eventsIn(state).every(isDeletion);
}

/**
 * What an operation with this outcome makes of a state; nothing if it cannot have had it there. If `mayForget`, the store forgets
 * deletions where nothing is live; one node does so before the other, so that one may come to light again, beside what is written
 * since, too. So they do not count then.
 */
export function statesAfter(
  operation: ObjectOperation,
  state: ObjectState,
  mayForget: boolean,
): readonly ObjectState[] {
  const counted = mayForget ? liveIn : (each: ObjectState): ObjectState => each;
  const after = stateAfter(operation, state, counted);
  return after === undefined ? [] : [counted(after)];
}

/** Without the deletions. */
function liveIn(state: ObjectState): ObjectState {
  return state.includes('-') ? stateOf(eventsIn(state).filter((event) => !isDeletion(event))) : state;
}

function stateAfter(
  { request, outcome }: ObjectOperation,
  state: ObjectState,
  counted: (state: ObjectState) => ObjectState,
): ObjectState | undefined {
  if (outcome.type === 'shown') {
    // What it was refused for is what it was shown.
    const isRefused = request.type === 'read' || !isMet(request, outcome.state);
    return isRefused && counted(outcome.state) === counted(state) ? state : undefined;
  }
  const asked = request.type === 'replace' ? { ...request, expected: counted(request.expected) } : request;
  if (!isMet(asked, counted(state))) return undefined;
  switch (request.type) {
    case 'read':
      return state;
    case 'create':
    case 'replace':
      return request.event;
    case 'plain':
      return stateOf([...eventsIn(state).filter((event) => !request.replaces.has(event)), request.event]);
  }
}

function isMet(request: ObjectRequest, state: ObjectState): boolean {
  switch (request.type) {
    case 'create':
      return isDead(state);
    case 'replace':
      return state === request.expected;
    case 'read':
    case 'plain':
      return true;
  }
}
