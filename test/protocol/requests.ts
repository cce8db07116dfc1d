/** Requests as the server makes them, and what a test expects of their outcomes. */
import { expect } from 'vitest';
import type { EntryName } from '../../src/core/ids.ts';
import type { Condition } from '../../src/core/paxos/conditional.ts';
import type {
  ConditionalOutcome,
  DeleteOutcome,
  Failure,
  PutOutcome,
  ReadOutcome,
  ReadSuccess,
  WriteSuccess,
} from '../../src/core/outcome.ts';
import type { ConditionalRequest, DeleteRequest, PutRequest, ReadRequest } from '../../src/core/request.ts';
import { textsOf } from '../core/causality/sample-records.ts';

/** Milliseconds by which what a deadline or a hedge brings about may come later than it: steps of timers, and the way back. */
export const SLACK_MS = 12;

const USUAL = { n: 3, sloppy: false, timeoutMs: 1_000 } as const;
const USUAL_WRITE = { ...USUAL, w: 2, context: undefined, identity: undefined, returnRecord: false } as const;

export interface CasOptions {
  readonly ifMatch: string;
  readonly id?: string;
  readonly firstAttempt?: boolean;
  readonly timeoutMs?: number;
}

export function getOf({ bucket, key }: EntryName, more: Partial<ReadRequest> = {}): ReadRequest {
  return { ...USUAL, r: 2, ...more, bucket, key };
}

export function putOf({ bucket, key }: EntryName, text: string, more: Partial<PutRequest> = {}): PutRequest {
  const value = new TextEncoder().encode(text);
  return { ...USUAL_WRITE, contentType: 'text/plain', value, ...more, bucket, key };
}

export function deleteOf({ bucket, key }: EntryName, more: Partial<DeleteRequest> = {}): DeleteRequest {
  return { ...USUAL_WRITE, r: 2, ...more, bucket, key };
}

/** A conditional PUT; `ifMatch`: an ETag, or `absent` for `If-None-Match: *`. */
export function casOf(
  { bucket, key }: EntryName,
  text: string | undefined,
  { ifMatch, id, firstAttempt = true, timeoutMs = 1_000 }: CasOptions,
): ConditionalRequest {
  const content =
    text === undefined
      ? ({ type: 'tombstone' } as const)
      : ({ type: 'value', contentType: 'text/plain', bytes: new TextEncoder().encode(text) } as const);
  const condition: Condition =
    ifMatch === 'absent' ? { type: 'if-absent' } : { type: 'if-match', etags: new Set([ifMatch]) };
  const identity = {
    id: id ?? `drawn for ${text ?? 'a tombstone'} of ${key} if ${ifMatch}`.slice(0, 64),
    firstAttempt,
    notBefore: undefined,
  };
  const operation = { type: 'write', condition, content, identity } as const;
  return { bucket, key, n: 3, timeoutMs, operation, returnRecord: false };
}

/** A linearizable GET. */
export function linearizableOf({ bucket, key }: EntryName, timeoutMs = 1_000): ConditionalRequest {
  return { bucket, key, n: 3, timeoutMs, operation: { type: 'read' }, returnRecord: false };
}

/** Asks what became of a write. */
export function settlementOf(
  { bucket, key }: EntryName,
  writeId: string,
  timeoutMs = 1_000,
): ConditionalRequest {
  return { bucket, key, n: 3, timeoutMs, operation: { type: 'settle', writeId }, returnRecord: false };
}

export function assertWritten(outcome: PutOutcome | DeleteOutcome | ConditionalOutcome): WriteSuccess {
  expect(outcome).toMatchObject({ type: 'written' });
  return outcome as WriteSuccess;
}

export function assertRead(outcome: ReadOutcome | ConditionalOutcome): ReadSuccess {
  expect(outcome).toMatchObject({ type: 'read' });
  return outcome as ReadSuccess;
}

export function assertFailed(
  outcome: PutOutcome | DeleteOutcome | ReadOutcome | ConditionalOutcome,
  expected: Partial<Failure>,
): Failure {
  expect(outcome).toMatchObject({ type: 'failed', ...expected });
  return outcome as Failure;
}

/** What a read answered: its siblings' texts. */
export function assertTexts(outcome: ReadOutcome | ConditionalOutcome, texts: readonly string[]): void {
  expect(textsOf(assertRead(outcome).record)).toEqual(texts);
}

/** The ETag that a conditional write was answered. */
export function etagIn(outcome: ConditionalOutcome): string {
  return assertWritten(outcome).etag as string;
}
