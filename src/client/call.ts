/**
 * One call: attempts on one node after the other until an answer, an error that no retry can help, or the deadline.
 *
 * What keeps this safe:
 * - A write is sent again only under the write id of its first attempt; the nodes take both for the same write.
 * - `Quorate-Attempt: 1` promises that an id was never sent before: it goes out with the first attempt of an id that was
 *   drawn here, never again.
 * - Once an attempt of a write may have been applied, no later refusal makes the outcome `not-applied`: the refusal
 *   speaks of the later attempt. Only an answer settles it: a success, or that a conditional write has lost the race.
 */
import { HEADERS } from '../api/headers.ts';
import { failureOfResponse, failureOfSilence, failureOfTransport, retryDelayMs } from './attempt-failure.ts';
import type { AttemptFailure } from './attempt-failure.ts';
import { limited, nowMs, pause } from './deadline.ts';
import type { Deadline } from './deadline.ts';
import type { NodeDirectory } from './node-directory.ts';
import { QuorateError } from './errors.ts';
import type { AttemptReport } from './errors.ts';
import type { Transport, TransportResponse } from './transport.ts';

export interface Call {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  /** For messages, for instance `PUT carts/alice`. */
  readonly what: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Base URLs to ask first. */
  readonly preferred: readonly string[];
  /**
   * Set for a write. `fresh`: the first attempt of this call may promise that it is the first one of its id. `isRepeated`: another call
   * may have been made under this id.
   */
  readonly write?: { readonly id: string; readonly fresh: boolean; readonly isRepeated: boolean };
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  /**
   * Whether this is an answer to this call; all else is a failure. `maybeApplied`: an earlier attempt of this write may
   * have been applied.
   */
  readonly isAnswer: (response: TransportResponse, maybeApplied: boolean) => boolean;
}

/** What all calls of a client share. */
export interface CallEnvironment {
  readonly transport: Transport;
  readonly nodes: NodeDirectory;
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly maxAttempts: number;
  /** Bytes of a response body at most. */
  readonly maxResponseBytes: number;
  /** Told when a node failed. */
  readonly onNodeFailed: () => void;
}

/** A longer deadline is not taken by a node, milliseconds. */
const MAX_NODE_TIMEOUT_MS = 60_000;
/** What an attempt gets at least if the call has that much left, and at most on an address on trial, milliseconds. */
const ATTEMPT_SHARE_MS = 1_000;

type Attempted = { readonly response: TransportResponse } | { readonly failure: AttemptFailure };

/** Carries out a call. Throws a {@link QuorateError}. */
export async function carryOut(environment: CallEnvironment, call: Call): Promise<TransportResponse> {
  return new Attempts(environment, call).run();
}

class Attempts {
  readonly #environment: CallEnvironment;
  readonly #call: Call;
  readonly #order: readonly string[];
  readonly #tries = new Map<string, number>();
  readonly #reports: AttemptReport[] = [];
  /** Whether an attempt of this write may have been applied. */
  #maybeApplied: boolean;

  constructor(environment: CallEnvironment, call: Call) {
    this.#environment = environment;
    this.#call = call;
    this.#order = environment.nodes.order(call.preferred);
    this.#maybeApplied = call.write?.isRepeated === true;
  }

  async run(): Promise<TransportResponse> {
    const { deadline, signal } = this.#call;
    if (signal?.aborted === true) throw this.#aborted();
    if (deadline.remainingMs() === 0)
      throw this.#error({ ...failureOfSilence(0), message: 'no time is left' });
    for (;;) {
      const attempted = await this.#attempt();
      if ('response' in attempted) return attempted.response;
      const { failure } = attempted;
      const failures = this.#reports.length;
      const freshNode = this.#order.some(
        (url) => !this.#tries.has(url) && !this.#environment.nodes.isSuspect(url),
      );
      const mayHelp = failure.retryable || (failure.nodeFailed && freshNode);
      if (!mayHelp || failures >= this.#environment.maxAttempts) throw this.#error(failure);
      const delayMs = retryDelayMs(failure, { failures, freshNode, random: Math.random() });
      // Waiting for an attempt that could not be made any more helps nobody.
      if (delayMs >= deadline.remainingMs()) throw this.#error(failure);
      if (await pause(delayMs, signal)) throw this.#aborted();
      if (deadline.remainingMs() === 0) throw this.#error(failure);
    }
  }

  async #attempt(): Promise<Attempted> {
    const { nodes, onNodeFailed } = this.#environment;
    const node = nodes.next(this.#order, this.#tries);
    const budgetMs = this.#budgetMs(node);
    const startMs = nowMs();
    this.#tries.set(node, (this.#tries.get(node) ?? 0) + 1);
    const attempted = await this.#send(node, budgetMs);
    const ms = Math.round((nowMs() - startMs) * 10) / 10;
    if (attempted === 'aborted') {
      this.#report(node, ms, { code: 'aborted', message: 'Given up by the caller' });
      if (this.#call.write !== undefined) this.#maybeApplied = true;
      throw this.#aborted();
    }
    if ('response' in attempted) {
      nodes.answered(node);
      return attempted;
    }
    const { failure } = attempted;
    this.#report(node, ms, failure);
    if (this.#call.write !== undefined && failure.outcome === 'unknown') this.#maybeApplied = true;
    if (failure.nodeFailed) {
      nodes.failed(node);
      onNodeFailed();
    } else {
      nodes.answered(node);
    }
    return attempted;
  }

  async #send(node: string, budgetMs: number): Promise<Attempted | 'aborted'> {
    const { method, path, body, signal, isAnswer } = this.#call;
    const { transport, maxResponseBytes } = this.#environment;
    const headers = this.#headers(budgetMs);
    const url = `${node}${path}`;
    const request = { method, url, headers, maxResponseBytes, ...(body === undefined ? {} : { body }) };
    try {
      const sent = await limited(
        async (attemptSignal) => transport({ ...request, signal: attemptSignal }),
        budgetMs,
        signal,
      );
      if ('interrupted' in sent)
        return sent.interrupted === 'aborted' ? 'aborted' : { failure: failureOfSilence(budgetMs) };
      const response = sent.value;
      if (isAnswer(response, this.#maybeApplied)) return { response };
      return { failure: failureOfResponse(response, Date.now()) };
    } catch (thrown) {
      return { failure: failureOfTransport(thrown) };
    }
  }

  #headers(budgetMs: number): Record<string, string> {
    const { headers, write } = this.#call;
    const timeoutMs = Math.min(MAX_NODE_TIMEOUT_MS, Math.max(1, Math.round(budgetMs)));
    const all: Record<string, string> = {
      ...this.#environment.headers,
      ...headers,
      [HEADERS.timeoutMs]: String(timeoutMs),
    };
    if (write === undefined) return all;
    all[HEADERS.writeId] = write.id;
    if (write.fresh && this.#reports.length === 0) all[HEADERS.attempt] = '1';
    return all;
  }

  /**
   * Milliseconds for the next attempt. A node that hangs must not use up the whole deadline while another could answer,
   * so an attempt that is not the last gets half of what is left.
   */
  #budgetMs(node: string): number {
    const remainingMs = this.#call.deadline.remainingMs();
    const isLast = this.#reports.length + 1 >= this.#environment.maxAttempts || this.#order.length === 1;
    if (isLast) return remainingMs;
    const shareMs = Math.max(remainingMs / 2, Math.min(remainingMs, ATTEMPT_SHARE_MS));
    return this.#environment.nodes.isOnTrial(node) ? Math.min(shareMs, ATTEMPT_SHARE_MS) : shareMs;
  }

  #report(node: string, ms: number, failure: Pick<AttemptFailure, 'code' | 'message' | 'status'>): void {
    const { code, message, status } = failure;
    this.#reports.push({ node, ms, code, message, ...(status === undefined ? {} : { status }) });
  }

  #aborted(): QuorateError {
    const cause: unknown = this.#call.signal?.reason;
    return this.#error({ code: 'aborted', message: 'the caller gave up', cause });
  }

  #error(
    failure: Pick<AttemptFailure, 'code' | 'message' | 'hint' | 'status' | 'problem' | 'cause'>,
  ): QuorateError {
    const { what, write } = this.#call;
    const outcome = this.#maybeApplied ? 'unknown' : 'not-applied';
    const tail =
      write === undefined
        ? ''
        : outcome === 'unknown'
          ? '; it may have been applied'
          : '; it was not applied';
    const count = this.#reports.length;
    const attempts = count > 1 ? ` (after ${count} attempts)` : '';
    const message = failure.message.replace(/\.$/, '');
    return new QuorateError(`${what}: ${message}${attempts}${tail}`, {
      code: failure.code,
      outcome,
      attempts: this.#reports,
      hint: hintFor(failure, outcome),
      status: failure.status,
      problem: failure.problem,
      writeId: write?.id,
      cause: failure.cause,
    });
  }
}

/** What to do next: what the node says, and for an unknown outcome how to settle it. */
function hintFor(
  { code, hint, problem }: Pick<AttemptFailure, 'code' | 'hint' | 'problem'>,
  outcome: string,
): string | undefined {
  if (outcome === 'unknown') {
    // A node that knows of the unknown outcome has said what to do; any other hint speaks of something else.
    if (hint !== undefined && problem?.outcome === 'unknown') return hint;
    return [hint, UNKNOWN_HINT].filter((part) => part !== undefined).join(' ');
  }
  if (hint !== undefined) return hint;
  if (code === 'unreachable')
    return 'Is the cluster running at these addresses? `attempts` says what each node answered.';
  if (code === 'timeout') return 'A longer timeoutMs may help; `attempts` says which nodes did not answer.';
  return undefined;
}

const UNKNOWN_HINT =
  'Read the key to see, or repeat the write with the same writeId: it is then the same write.';
