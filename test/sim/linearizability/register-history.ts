/**
 * What clients did with one register and were told: the input of the general search. Values need not be unique; a deleted
 * register is one without a value.
 */

/** A value, or undefined: there is none. */
export type RegisterState = string | undefined;

export type RegisterRequest =
  | { readonly type: 'read' }
  /** Sets a value if there is none. */
  | { readonly type: 'create'; readonly value: string }
  /** Sets a value if `expected` is there. */
  | { readonly type: 'cas'; readonly expected: string; readonly value: string }
  | { readonly type: 'write'; readonly value: string }
  /** Removes the value, if `expected` is not given or is what is there; refused if there is none. */
  | { readonly type: 'delete'; readonly expected: string | undefined };

export type RegisterOutcome =
  /** Of a read: what it was shown. */
  | { readonly type: 'read'; readonly state: RegisterState }
  /** Took effect between call and return. */
  | { readonly type: 'ok' }
  /** Found that its condition did not hold, and had no effect. `found`: what it was shown, if it was. */
  | { readonly type: 'refused'; readonly found?: { readonly state: RegisterState } }
  /** Took effect at some time after its call, or never will. */
  | { readonly type: 'unknown' };

export interface RegisterOperation {
  readonly id: number;
  /** Places in one sequence of all calls and returns (checkers/history.ts), never clock readings. */
  readonly calledAt: number;
  /** Infinity if the outcome is unknown. */
  readonly returnedAt: number;
  readonly request: RegisterRequest;
  readonly outcome: RegisterOutcome;
}

/** What an operation that has this outcome makes of a state; `impossible` if it cannot have had it there. */
export type Step = { readonly state: RegisterState } | 'impossible';

/** The rules of a register. An unknown operation that is carried out has an effect: as one without, it did not happen. */
export function stepOf({ request, outcome }: RegisterOperation, state: RegisterState): Step {
  switch (outcome.type) {
    case 'read':
      return outcome.state === state ? { state } : 'impossible';
    case 'refused': {
      if (isMet(request, state)) return 'impossible';
      return outcome.found === undefined || outcome.found.state === state ? { state } : 'impossible';
    }
    case 'ok':
    case 'unknown':
      return isMet(request, state) ? { state: effectOf(request, state) } : 'impossible';
  }
}

/** Whether an operation has no effect, whatever it found. */
export function isPassive({ outcome }: RegisterOperation): boolean {
  return outcome.type === 'read' || outcome.type === 'refused';
}

function isMet(request: RegisterRequest, state: RegisterState): boolean {
  switch (request.type) {
    case 'read':
    case 'write':
      return true;
    case 'create':
      return state === undefined;
    case 'cas':
      return state === request.expected;
    case 'delete':
      return state !== undefined && (request.expected === undefined || state === request.expected);
  }
}

function effectOf(request: RegisterRequest, state: RegisterState): RegisterState {
  switch (request.type) {
    case 'read':
      return state;
    case 'delete':
      return undefined;
    case 'create':
    case 'cas':
    case 'write':
      return request.value;
  }
}
