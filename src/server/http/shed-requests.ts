/**
 * Refuses requests on entries while the node has more to do than it can answer in time, before anything of them is looked at
 * but path and time limit. A refusal must cost a small part of an answer, or a node that is offered several times what it can
 * bear does nothing but refuse: so these do not pass through the app, and what they have in common is made once.
 *
 * The connection is kept, and Node reads on over the body that nobody wants: a client that had to connect anew for its next
 * attempt would cost more than the refusal.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEADERS } from '../../api/headers.ts';
import { DEFAULT_TIMEOUT_MS, PEER_PATIENCE_MS } from '../../core/limits.ts';
import type { AppOptions } from './app-options.ts';
import { CrossOrigin } from './cross-origin.ts';
import type { PacedReading } from './paced-reading.ts';
import { problemReply } from './problem.ts';
import { outcomeForRetry } from './retry-outcome.ts';
import { endAfterTurn } from './turn-end.ts';
import type { Waited } from './turns.ts';
import type { UnsentAnswers } from './unsent-answers.ts';

/** Every operation on an entry has a target that begins so; what has another form goes the whole way. */
const ENTRY_PATH = '/v1/kv/';
/** Stand where detail and request id are to go. JSON writes them as they are, and so it does those two. */
const DETAIL = '<detail>';
const REQUEST_ID = '<request id>';
/**
 * Milliseconds that a write may have lain in a connection that was not read: nothing tells its age, and an older one might pass for a
 * first attempt that it is not (core/limits.ts).
 */
const MAX_UNREAD_MS = PEER_PATIENCE_MS;
/** Milliseconds of a time limit. That one who waits for less is refused says little of what others may expect. */
const PATIENT_MS = 500;

export class ShedRequests {
  readonly #options: AppOptions;
  readonly #unsent: Pick<UnsentAnswers, 'overload'>;
  readonly #reading: Pick<PacedReading, 'refused' | 'pace' | 'isPacing'>;
  readonly #crossOrigin: CrossOrigin;
  readonly #refusal = new Refusal(undefined);
  readonly #refusalOfRetry = new Refusal('unknown');
  /** Names and values by turns: what every refusal has. */
  readonly #headers: readonly string[];

  constructor(
    options: AppOptions,
    unsent: Pick<UnsentAnswers, 'overload'>,
    reading: Pick<PacedReading, 'refused' | 'pace' | 'isPacing'>,
  ) {
    this.#options = options;
    this.#unsent = unsent;
    this.#reading = reading;
    this.#crossOrigin = new CrossOrigin(options.settings.cors.origins);
    this.#headers = [
      ...Object.entries(this.#refusal.headers).flat(),
      HEADERS.coordinator,
      options.node.nodeId,
      'Cache-Control',
      'no-store',
      'Vary',
      this.#crossOrigin.vary,
      HEADERS.requestId,
    ];
  }

  /** Answers the request if it is to be refused; else it does nothing and gives false. */
  refuses(incoming: IncomingMessage, outgoing: ServerResponse, waited: Waited): boolean {
    if (incoming.url?.startsWith(ENTRY_PATH) !== true || incoming.method === 'OPTIONS') return false;
    const startedMs = performance.now();
    const detail = this.#detail(incoming, waited);
    if (detail === undefined) {
      if (this.#reading.isPacing) this.#reading.pace(incoming, outgoing);
      return false;
    }
    this.#answer(incoming, outgoing, detail);
    const isOverload = timeLimitOf(incoming) >= PATIENT_MS;
    this.#reading.refused(incoming, outgoing, { tookMs: performance.now() - startedMs, isOverload });
    return true;
  }

  /** Why it is refused, if so. A client may have given up by now what has waited for long, and asked another node. */
  #detail(incoming: IncomingMessage, { unreadMs, inLineMs }: Waited): string | undefined {
    if (unreadMs > MAX_UNREAD_MS && !isRead(incoming)) return unread(unreadMs);
    const leftMs = timeLimitOf(incoming) - inLineMs - unreadMs;
    if (leftMs > 0) return this.#unsent.overload ?? this.#options.admission.overload(leftMs);
    return unreadMs > inLineMs ? unread(unreadMs) : tooLate(inLineMs);
  }

  #answer(incoming: IncomingMessage, outgoing: ServerResponse, detail: string): void {
    const { metrics, requestIds, admission, overloadLog } = this.#options;
    const requestId = requestIds.idFor(incoming.headers['quorate-request-id']);
    const isRetry = outcomeForRetry('overloaded', incoming) !== undefined;
    const refusal = isRetry ? this.#refusalOfRetry : this.#refusal;
    const body = refusal.body(detail, requestId);
    const headers = [...this.#headers, requestId, 'Content-Length', String(body.length)];
    const { origin } = incoming.headers;
    if (origin !== undefined) this.#addCrossOrigin(headers, origin);
    if (admission.draining) headers.push('Connection', 'close');
    metrics.countProblem('overloaded');
    overloadLog.refused(detail);
    metrics.observeRequest(incoming.method ?? '', refusal.status, 0);
    // Answers of this class may go without it (RFC 9110, 6.6.1).
    outgoing.sendDate = false;
    outgoing.writeHead(refusal.status, headers);
    endAfterTurn(outgoing, incoming.method === 'HEAD' ? undefined : body, 'latin1');
  }

  #addCrossOrigin(headers: string[], origin: string): void {
    const added: Record<string, string> = {};
    this.#crossOrigin.addTo(added, origin);
    headers.push(...Object.entries(added).flat());
  }
}

/** The problem `overloaded` as it is always answered, with room for what differs. */
class Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #beforeDetail: string;
  readonly #between: string;
  readonly #afterId: string;

  constructor(outcome: 'unknown' | undefined) {
    const problem = { code: 'overloaded', message: DETAIL, about: {} } as const;
    const { status, headers, body } = problemReply(problem, REQUEST_ID, outcome);
    const [beforeDetail = '', afterDetail = ''] = String(body).split(DETAIL);
    const [between = '', afterId = ''] = afterDetail.split(REQUEST_ID);
    this.status = status;
    this.headers = headers;
    this.#beforeDetail = beforeDetail;
    this.#between = between;
    this.#afterId = afterId;
  }

  /** Both are of ASCII without quotes and backslashes, as an admission says its reasons and as request ids are. */
  body(detail: string, requestId: string): string {
    return this.#beforeDetail + detail + this.#between + requestId + this.#afterId;
  }
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function tooLate(waitedMs: number): string {
  return `The request waited for ${Math.round(waitedMs)} ms behind others of its connection, longer than its time limit.`;
}

function unread(milliseconds: number): string {
  return `This node has more to do than it can bear, and did not read from this connection for ${Math.round(milliseconds)} ms: the request may be as old.`;
}

/** One that is no good is refused later, and with a better answer. */
function timeLimitOf({ headers }: IncomingMessage): number {
  const milliseconds = Number(headers['quorate-timeout-ms'] ?? DEFAULT_TIMEOUT_MS);
  return milliseconds > 0 ? milliseconds : DEFAULT_TIMEOUT_MS;
}
