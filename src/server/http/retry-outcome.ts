/** What a refused attempt says about the write that it is an attempt of. */
import type { IncomingMessage } from 'node:http';
import type { ProblemCode, ProblemOutcome } from '../../api/errors.ts';

/**
 * Refusals before any work, which say nothing about an earlier attempt of the same write: its body may have arrived whole, its
 * token may have been good, its headers others.
 */
const REFUSED_UNSEEN: ReadonlySet<ProblemCode> = new Set([
  'bad-request',
  'bad-quorum',
  'bad-context',
  'unauthenticated',
  'forbidden',
  'too-large',
  'unsupported-encoding',
  'precondition-required',
  'draining',
  'overloaded',
  'no-space',
]);

/** A write id names one write over all its attempts: that this one was refused does not undo an earlier one. */
export function outcomeForRetry(
  code: ProblemCode,
  { method, headers }: IncomingMessage,
): ProblemOutcome | undefined {
  const isWrite = method === 'PUT' || method === 'DELETE';
  const isRetry = headers['quorate-write-id'] !== undefined && headers['quorate-attempt'] !== '1';
  return isWrite && isRetry && REFUSED_UNSEEN.has(code) ? 'unknown' : undefined;
}
