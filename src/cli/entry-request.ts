/**
 * One request for one entry, from node to node until one answers.
 *
 * The next node is asked only when one could not be reached, said nothing, or is shutting down. A write always carries a
 * write id, so asking again is the same write; `Quorate-Attempt: 1` promises that an id was never sent, so it goes with the
 * very first attempt of an id that was drawn here, and with nothing else. Other answers are final: a quorum that is missing
 * is not hidden by retries.
 */
import { randomUUID } from 'node:crypto';
import { HEADERS } from '../api/headers.ts';
import { isReadAnswer, isWriteAnswer } from '../client/answer.ts';
import {
  failureOfResponse,
  failureOfSilence,
  failureOfTransport,
  type AttemptFailure,
} from '../client/attempt-failure.ts';
import { QuorateError, type AttemptReport } from '../client/errors.ts';
import type { TransportResponse } from '../client/transport.ts';
import type { Connection } from './connection.ts';
import { pathOfEntry, type EntryName } from './entry-name.ts';

/** How much longer than the node's deadline an answer is waited for, so that the node can still say what it knows. */
const ANSWER_GRACE_MS = 200;
/** A longer deadline is not taken by a node, milliseconds. */
const MAX_NODE_TIMEOUT_MS = 60_000;
/** What a node that is not the last gets at least if that much is left, milliseconds. */
const MIN_SHARE_MS = 1_000;

/** What to ask. */
export interface EntryRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly entry: EntryName;
  /** With its question mark. */
  readonly query?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of a write that was tried before; drawn here if undefined. */
  readonly writeId?: string | undefined;
}

/** What a node answered: a value, siblings or certain absence (404) to a GET; success to a write. */
export interface EntryAnswer extends TransportResponse {
  /** Base URL of the node that answered. */
  readonly nodeUrl: string;
  /** Of a write. */
  readonly writeId: string | undefined;
}

/** Asks the connection's nodes in order. Throws a `QuorateError` for problems and when no node answers. */
export async function requestEntry(connection: Connection, request: EntryRequest): Promise<EntryAnswer> {
  return new EntryAttempts(connection, request).run();
}

type Attempted = { readonly answer: EntryAnswer } | { readonly failure: AttemptFailure };

class EntryAttempts {
  readonly #connection: Connection;
  readonly #request: EntryRequest;
  readonly #path: string;
  readonly #isWrite: boolean;
  readonly #writeId: string | undefined;
  readonly #deadlineMs: number;
  readonly #reports: AttemptReport[] = [];
  /** Whether an attempt of this write may have been applied: no later refusal changes that. */
  #perhapsApplied: boolean;

  constructor(connection: Connection, request: EntryRequest) {
    this.#connection = connection;
    this.#request = request;
    this.#path = `${pathOfEntry(request.entry)}${request.query ?? ''}`;
    this.#isWrite = request.method !== 'GET';
    this.#writeId = this.#isWrite ? (request.writeId ?? randomUUID()) : undefined;
    // It may have been sent under this id before.
    this.#perhapsApplied = this.#isWrite && request.writeId !== undefined;
    this.#deadlineMs = performance.now() + connection.timeoutMs;
  }

  async run(): Promise<EntryAnswer> {
    let last: AttemptFailure | undefined;
    for (const [index, nodeUrl] of this.#connection.nodeUrls.entries()) {
      const remainingMs = this.#deadlineMs - performance.now();
      if (remainingMs < 1) break;
      const isLast = index === this.#connection.nodeUrls.length - 1;
      const budgetMs = isLast ? remainingMs : Math.max(remainingMs / 2, Math.min(remainingMs, MIN_SHARE_MS));
      const attempted = await this.#attempt(nodeUrl, Math.ceil(budgetMs));
      if ('answer' in attempted) return attempted.answer;
      last = attempted.failure;
      if (!asksNext(last)) throw this.#refusal(last);
    }
    throw last?.code === 'draining' ? this.#refusal(last) : this.#noAnswer(last);
  }

  async #attempt(nodeUrl: string, budgetMs: number): Promise<Attempted> {
    const startMs = performance.now();
    const attempted = await this.#send(nodeUrl, budgetMs);
    if ('answer' in attempted) return attempted;
    const { code, message, status, outcome } = attempted.failure;
    const ms = Math.round(performance.now() - startMs);
    this.#reports.push({ node: nodeUrl, ms, code, message, ...(status === undefined ? {} : { status }) });
    if (this.#isWrite && outcome === 'unknown') this.#perhapsApplied = true;
    // The nodes refuse the id of a later attempt for good before they say that it has lost the race.
    if (code === 'precondition-failed') this.#perhapsApplied = false;
    return attempted;
  }

  async #send(nodeUrl: string, budgetMs: number): Promise<Attempted> {
    const { method, body } = this.#request;
    const signal = AbortSignal.timeout(budgetMs + ANSWER_GRACE_MS);
    try {
      const response = await this.#connection.transport({
        method,
        url: `${nodeUrl}${this.#path}`,
        headers: this.#headers(budgetMs),
        ...(body === undefined ? {} : { body }),
        signal,
      });
      const isAnswer = this.#isWrite ? isWriteAnswer(response) : isReadAnswer(response);
      if (isAnswer) return { answer: { ...response, nodeUrl, writeId: this.#writeId } };
      return { failure: failureOfResponse(response, Date.now()) };
    } catch (thrown) {
      return { failure: signal.aborted ? failureOfSilence(budgetMs) : failureOfTransport(thrown) };
    }
  }

  #headers(budgetMs: number): Readonly<Record<string, string>> {
    const { method, headers, writeId } = this.#request;
    // What a blind deletion deletes is decided when it arrives: it looks for its id even if this is the first attempt.
    const isSeen = headers[HEADERS.context] !== undefined || headers['If-Match'] !== undefined;
    const isBlindDelete = method === 'DELETE' && !isSeen;
    const isFirstOfId =
      this.#isWrite && writeId === undefined && this.#reports.length === 0 && !isBlindDelete;
    return {
      ...headers,
      [HEADERS.timeoutMs]: String(Math.min(MAX_NODE_TIMEOUT_MS, budgetMs)),
      ...(this.#writeId === undefined ? {} : { [HEADERS.writeId]: this.#writeId }),
      ...(isFirstOfId ? { [HEADERS.attempt]: '1' } : {}),
    };
  }

  #refusal(failure: AttemptFailure): QuorateError {
    const { code, message, hint, status, problem } = failure;
    return new QuorateError(sentence(message), { ...this.#facts(), code, hint, status, problem });
  }

  #noAnswer(last: AttemptFailure | undefined): QuorateError {
    const tried = this.#reports.map(({ node, message }) => `${node}: ${message}`).join('; ');
    const code = last?.code ?? 'timeout';
    const hint =
      code === 'timeout'
        ? 'A longer --timeout may help, or another node: --node URL. `quorate status` shows which nodes are up.'
        : 'Start a cluster with `quorate cluster`, or name a running node with --node URL.';
    return new QuorateError(`no node answered (${tried === '' ? 'the deadline passed' : tried}).`, {
      ...this.#facts(),
      code,
      hint: this.#perhapsApplied ? undefined : hint,
    });
  }

  #facts(): Pick<QuorateError, 'outcome' | 'attempts' | 'writeId'> {
    const outcome = this.#perhapsApplied ? 'unknown' : 'not-applied';
    return { outcome, attempts: this.#reports, writeId: this.#writeId };
  }
}

/** Whether this failure says nothing about what another node would answer. */
function asksNext({ code }: AttemptFailure): boolean {
  return code === 'unreachable' || code === 'timeout' || code === 'draining';
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
