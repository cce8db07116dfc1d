/** The definition itself, without any cleverness: every order that calls and returns allow is tried. For tiny histories. */
import { type RegisterOperation, type RegisterState, stepOf } from './register-history.ts';

export function isLinearizable(operations: readonly RegisterOperation[], state?: RegisterState): boolean {
  if (operations.every(({ outcome }) => outcome.type === 'unknown')) return true;
  return operations.some((operation) => {
    const others = operations.filter((other) => other !== operation);
    // Nothing that returned before this one was called may come after it.
    if (others.some(({ returnedAt }) => returnedAt < operation.calledAt)) return false;
    const step = stepOf(operation, state);
    return step !== 'impossible' && isLinearizable(others, step.state);
  });
}
