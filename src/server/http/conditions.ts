/**
 * Conditional requests. On PUT and DELETE a condition means compare-and-set: always atomic or refused, so each form that
 * could not be atomic is a 400. On GET `If-None-Match` asks for 304.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type ConsistencyPreset, HEADERS } from '../../api/headers.ts';
import type { BucketConfig } from '../../core/cluster-config.ts';
import { headerOf } from './exchange.ts';
import { wholeNumber } from './number-header.ts';
import { Problem } from './problem.ts';

const STRONG_TAG = /^"[\x21\x23-\x7e]*"$/;
const ENTITY_TAGS = /(?:W\/)?"([\x21\x23-\x7e]*)"/g;

interface ConditionCheck {
  readonly headers: IncomingHttpHeaders;
  readonly preset: ConsistencyPreset | undefined;
  readonly bucket: BucketConfig;
}

/** Throws for every malformed condition of a write. */
export function checkWriteConditions({ headers, preset, bucket }: ConditionCheck): void {
  const ifMatch = headerOf(headers, 'if-match');
  const ifNoneMatch = headerOf(headers, 'if-none-match');
  if (headers['if-unmodified-since'] !== undefined) {
    throw new Problem(
      'bad-request',
      'If-Unmodified-Since cannot be done atomically here. Use If-Match with an ETag.',
    );
  }
  const conditional = ifMatch !== undefined || ifNoneMatch !== undefined;
  if (conditional) {
    checkForms(ifMatch, ifNoneMatch);
    checkConditionalQuorum(headers, bucket);
  }
  if (preset === 'linearizable') checkLinearizable(headers, conditional);
  if (preset === 'session') {
    throw new Problem(
      'bad-request',
      'Quorate-Consistency: session is for reads. A write brings what it has seen as its context.',
      {
        hint: 'Leave the preset out of writes: a read of the session sees them by the context of their answer.',
      },
    );
  }
}

/** Throws for every malformed condition of a read. */
export function checkReadConditions(
  headers: IncomingHttpHeaders,
  preset: ConsistencyPreset | undefined,
): void {
  if (headers['if-match'] !== undefined) {
    throw new Problem('bad-request', 'If-Match is for PUT and DELETE. A GET may have If-None-Match.');
  }
  if (preset === 'linearizable') checkLinearizable(headers, true);
}

/** Whether a GET's `If-None-Match` names this tag (by weak comparison, RFC 9110 13.1.2) or any. */
export function matchesNone(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  for (const [, tag] of ifNoneMatch.matchAll(ENTITY_TAGS)) if (tag === etag) return true;
  return false;
}

function checkForms(ifMatch: string | undefined, ifNoneMatch: string | undefined): void {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new Problem('bad-request', 'A write may have If-Match or If-None-Match, not both.');
  }
  if (ifMatch !== undefined && !STRONG_TAG.test(ifMatch)) {
    throw new Problem(
      'bad-request',
      `If-Match must be one strong entity tag as an earlier ETag gave it, such as "a1b2" with its quotes, not ${ifMatch}. Lists, weak tags and * are not done.`,
    );
  }
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new Problem(
      'bad-request',
      `If-None-Match of a write must be *, which means "only if nothing is there", not ${ifNoneMatch}.`,
    );
  }
}

function checkConditionalQuorum(headers: IncomingHttpHeaders, bucket: BucketConfig): void {
  const sent = [HEADERS.r, HEADERS.w].filter((name) => headers[name.toLowerCase()] !== undefined);
  if (sent.length > 0) {
    throw new Problem(
      'bad-quorum',
      `A conditional write always uses a majority of the home replicas: leave out ${sent.join(' and ')}.`,
    );
  }
  const n = headerOf(headers, 'quorate-n');
  if (n !== undefined && wholeNumber(n) !== bucket.n) {
    throw new Problem(
      'bad-quorum',
      `The N of a conditional write is the bucket's, ${bucket.n}: leave out ${HEADERS.n}.`,
    );
  }
}

function checkLinearizable(headers: IncomingHttpHeaders, allowed: boolean): void {
  const sent = [HEADERS.n, HEADERS.r, HEADERS.w].filter((name) => headers[name.toLowerCase()] !== undefined);
  if (sent.length > 0) {
    throw new Problem(
      'bad-quorum',
      `${HEADERS.consistency}: linearizable always uses a majority of the home replicas: leave out ${sent.join(', ')}.`,
    );
  }
  if (!allowed) {
    throw new Problem(
      'bad-request',
      'A linearizable write is a conditional one: add If-Match with an ETag, or If-None-Match: *.',
    );
  }
}
