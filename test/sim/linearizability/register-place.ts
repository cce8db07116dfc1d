/** What a register holds at some point of a search: a state, or nobody knows what. */
import { type RegisterOperation, type RegisterState, stepOf } from './register-history.ts';

/** `any`: nothing has told yet. */
export type Place = { readonly type: 'known'; readonly state: RegisterState } | { readonly type: 'any' };

/** The states that an operation leads to; none if it cannot be carried out there. From `any`, what the operation tells. */
export function placesAfter(operation: RegisterOperation, place: Place): readonly Place[] {
  if (place.type === 'known') {
    const step = stepOf(operation, place.state);
    return step === 'impossible' ? [] : [{ type: 'known', state: step.state }];
  }
  const { request, outcome } = operation;
  if (outcome.type === 'read') return [{ type: 'known', state: outcome.state }];
  if (outcome.type === 'refused') {
    if (outcome.found === undefined) return [place];
    const { state } = outcome.found;
    return stepOf(operation, state) === 'impossible' ? [] : [{ type: 'known', state }];
  }
  return [{ type: 'known', state: 'value' in request ? request.value : undefined }];
}

/** Whether an operation would have led to the same state had the one before it not happened. */
export function isSameOutcome(operation: RegisterOperation, before: Place, next: Place): boolean {
  return placesAfter(operation, before).some((place) => isSamePlace(place, next));
}

export function isSamePlace(left: Place, right: Place): boolean {
  if (left.type === 'any' || right.type === 'any') return left.type === right.type;
  return left.state === right.state;
}

export function nameOfPlace(place: Place): string {
  return place.type === 'any' ? 'any' : place.state === undefined ? 'nothing' : `value ${place.state}`;
}
