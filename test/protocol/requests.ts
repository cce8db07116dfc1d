/** Requests as the server makes them, and what a test expects of their outcomes. */
import { expect } from 'vitest';
import type { EntryName } from '../../src/core/ids.ts';
import type {
  DeleteOutcome,
  Failure,
  PutOutcome,
  ReadOutcome,
  ReadSuccess,
  WriteSuccess,
} from '../../src/core/outcome.ts';
import type { DeleteRequest, PutRequest, ReadRequest } from '../../src/core/request.ts';
import { textsOf } from '../core/causality/sample-records.ts';

/** Milliseconds by which what a deadline or a hedge brings about may come later than it: steps of timers, and the way back. */
export const SLACK_MS = 12;

const USUAL = { n: 3, sloppy: false, timeoutMs: 1_000 } as const;
const USUAL_WRITE = { ...USUAL, w: 2, context: undefined, identity: undefined, returnRecord: false } as const;

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

export function assertWritten(outcome: PutOutcome | DeleteOutcome): WriteSuccess {
  expect(outcome).toMatchObject({ type: 'written' });
  return outcome as WriteSuccess;
}

export function assertRead(outcome: ReadOutcome): ReadSuccess {
  expect(outcome).toMatchObject({ type: 'read' });
  return outcome as ReadSuccess;
}

export function assertFailed(
  outcome: PutOutcome | DeleteOutcome | ReadOutcome,
  expected: Partial<Failure>,
): Failure {
  expect(outcome).toMatchObject({ type: 'failed', ...expected });
  return outcome as Failure;
}

/** What a read answered: its siblings' texts. */
export function assertTexts(outcome: ReadOutcome, texts: readonly string[]): void {
  expect(textsOf(assertRead(outcome).record)).toEqual(texts);
}
