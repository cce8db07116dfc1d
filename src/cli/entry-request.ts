/**
 * One request for one entry, from node to node until one answers.
 *
 * The next node is asked only when one could not be reached or is shutting down. A write always carries a write id, so
 * asking again is the same write; `Quorate-Attempt: 1` promises that an id is new, so it goes with the first attempt of an
 * id that was drawn here, and with nothing else. Other answers are final: a quorum that is missing is not hidden by retries.
 */
import { randomUUID } from 'node:crypto';
import type { ProblemBody } from '../api/bodies.ts';
import { HEADERS, PROBLEM_MEDIA_TYPE } from '../api/headers.ts';
import { QuorateError, type AttemptReport } from '../client/errors.ts';
import { TransportError, type TransportResponse } from '../client/transport.ts';
import type { Connection } from './connection.ts';

/** How much longer than the node's deadline an answer is waited for, so that the node can still say what it knows. */
const ANSWER_GRACE_MS = 500;

/** What to ask. */
export interface EntryRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of a write that was tried before; drawn here if undefined. */
  readonly writeId?: string | undefined;
  /** Statuses from 400 that the caller deals with; they are answered, not thrown. */
  readonly expected?: readonly number[];
}

/** An answer below 400, or one that was expected. */
export interface EntryAnswer extends TransportResponse {
  /** Base URL of the node that answered. */
  readonly nodeUrl: string;
  /** Of a write. */
  readonly writeId: string | undefined;
}

const decoder = new TextDecoder();

/** Asks the connection's nodes in order. Throws a `QuorateError` for problems and when no node answers. */
export async function requestEntry(connection: Connection, request: EntryRequest): Promise<EntryAnswer> {
  const isWrite = request.method !== 'GET';
  const writeId = isWrite ? (request.writeId ?? randomUUID()) : undefined;
  const deadlineMs = performance.now() + connection.timeoutMs;
  const attempts: AttemptReport[] = [];
  let perhapsApplied = false;
  let refused: QuorateError | undefined;

  for (const nodeUrl of connection.nodeUrls) {
    const remainingMs = Math.ceil(deadlineMs - performance.now());
    if (remainingMs < 1) break;
    const isFirstOfId = isWrite && request.writeId === undefined && !perhapsApplied;
    const startMs = performance.now();
    let response: TransportResponse;
    try {
      response = await connection.transport({
        method: request.method,
        url: `${nodeUrl}${request.path}`,
        headers: {
          ...request.headers,
          [HEADERS.timeoutMs]: String(remainingMs),
          ...(writeId === undefined ? {} : { [HEADERS.writeId]: writeId }),
          ...(isFirstOfId ? { [HEADERS.attempt]: '1' } : {}),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: AbortSignal.timeout(remainingMs + ANSWER_GRACE_MS),
      });
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      if (!(thrown instanceof TransportError) || thrown.sent) perhapsApplied = isWrite;
      attempts.push({ node: nodeUrl, ms: performance.now() - startMs, code: 'unreachable', message });
      continue;
    }
    if (response.status < 400 || request.expected?.includes(response.status) === true) {
      return { ...response, nodeUrl, writeId };
    }
    const error = problemError(response, { writeId, isWrite, perhapsApplied, attempts, nodeUrl, startMs });
    if (error.code !== 'draining') throw error;
    refused = error;
    attempts.push(...error.attempts.slice(-1));
  }
  if (refused !== undefined && !perhapsApplied) throw refused;
  throw noAnswer(attempts, writeId, perhapsApplied);
}

interface AnswerFacts {
  readonly writeId: string | undefined;
  readonly isWrite: boolean;
  readonly perhapsApplied: boolean;
  readonly attempts: readonly AttemptReport[];
  readonly nodeUrl: string;
  readonly startMs: number;
}

/** An earlier attempt whose answer was lost leaves the outcome unknown, whatever this node says of its own attempt. */
function problemError(response: TransportResponse, facts: AnswerFacts): QuorateError {
  const problem = problemOf(response);
  const message = problem?.detail ?? problem?.title ?? `status ${response.status} without a problem document`;
  const code = problem?.code ?? 'bad-response';
  const unknown = facts.isWrite && (facts.perhapsApplied || (problem?.outcome ?? 'unknown') === 'unknown');
  const attempt = {
    node: facts.nodeUrl,
    ms: performance.now() - facts.startMs,
    status: response.status,
    code,
    message,
  };
  return new QuorateError(sentence(message), {
    code,
    outcome: unknown ? 'unknown' : 'not-applied',
    attempts: [...facts.attempts, attempt],
    hint: problem?.hint,
    status: response.status,
    problem,
    writeId: facts.writeId,
  });
}

function problemOf(response: TransportResponse): ProblemBody | undefined {
  if (response.headers.get('content-type')?.startsWith(PROBLEM_MEDIA_TYPE) !== true) return undefined;
  try {
    return JSON.parse(decoder.decode(response.body)) as ProblemBody;
  } catch {
    return undefined;
  }
}

function noAnswer(
  attempts: readonly AttemptReport[],
  writeId: string | undefined,
  perhapsApplied: boolean,
): QuorateError {
  const tried = attempts.map(({ node, message }) => `${node}: ${message}`).join('; ');
  return new QuorateError(`no node answered (${tried === '' ? 'the deadline passed' : tried}).`, {
    code: 'unreachable',
    outcome: perhapsApplied ? 'unknown' : 'not-applied',
    attempts,
    ...(perhapsApplied
      ? {}
      : { hint: 'Start a cluster with `quorate cluster`, or name a running node with --node URL.' }),
    writeId,
  });
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
