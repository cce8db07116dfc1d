/**
 * Linearizability of one key by the definition, for a handful of operations: every order that calls and returns allow is tried,
 * and a set of placed operations that was met with the same state is not gone into again.
 *
 * The key's state is the set of writes whose siblings it has, tombstones included, as bits: write k has bit k. A conditional
 * write takes the place of all of them; a plain one joins them, in place of those that its client had seen.
 */

/** A set of writes. */
export type Writes = number;

export type KeyRequest =
  | { readonly type: 'read' }
  /** `replaces`: what its client had seen. */
  | { readonly type: 'put'; readonly replaces: Writes }
  | { readonly type: 'create' }
  | { readonly type: 'cas' | 'cas-delete'; readonly expected: Writes };

export type KeyOutcome =
  /** Took effect between call and return. */
  | { readonly type: 'ok' }
  /** A read, or a refusal together with what was there instead. */
  | { readonly type: 'shown'; readonly state: Writes }
  /** Takes effect at some time after its call, or never. */
  | { readonly type: 'unknown' };

export interface KeyOperation {
  /** Below 16. */
  readonly number: number;
  /** Places in one sequence of all calls and returns. */
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly request: KeyRequest;
  readonly outcome: KeyOutcome;
}

const IMPOSSIBLE = -1;

/** Order of the operations does not matter; those that certainly had no effect are left out. */
export function isLinearizable(operations: readonly KeyOperation[]): boolean {
  const tombstones = operations.reduce(
    (bits, { request, number }) => (request.type === 'cas-delete' ? bits | (1 << number) : bits),
    0,
  );
  const known = operations.reduce(
    (bits, { outcome }, index) => (outcome.type === 'unknown' ? bits : bits | (1 << index)),
    0,
  );
  const failed = new Set<number>();
  const explore = (placed: number, state: Writes): boolean => {
    if ((placed & known) === known) return true;
    const place = placed * 0x10000 + state;
    if (failed.has(place)) return false;
    let firstReturn = Infinity;
    for (let index = 0; index < operations.length; index += 1) {
      if ((placed & (1 << index)) !== 0) continue;
      firstReturn = Math.min(firstReturn, (operations[index] as KeyOperation).returnedAt);
    }
    for (const [index, operation] of operations.entries()) {
      if ((placed & (1 << index)) !== 0 || operation.calledAt > firstReturn) continue;
      const next = stateAfter(operation, state, tombstones);
      if (next !== IMPOSSIBLE && explore(placed | (1 << index), next)) return true;
    }
    failed.add(place);
    return false;
  };
  return explore(0, 0);
}

/** Where nothing is live, a key that is deleted and one that was forgotten are the same. */
function stateAfter({ number, request, outcome }: KeyOperation, state: Writes, tombstones: Writes): number {
  const isDead = (state & ~tombstones) === 0;
  if (outcome.type === 'shown') {
    const shown = outcome.state;
    const isSame = shown === state || (isDead && (shown & ~tombstones) === 0);
    return isSame && (request.type === 'read' || !isMet(request, state, isDead)) ? state : IMPOSSIBLE;
  }
  if (!isMet(request, state, isDead)) return IMPOSSIBLE;
  if (request.type === 'put') return (state & ~request.replaces) | (1 << number);
  return 1 << number;
}

function isMet(request: KeyRequest, state: Writes, isDead: boolean): boolean {
  if (request.type === 'create') return isDead;
  return 'expected' in request ? state === request.expected : true;
}
