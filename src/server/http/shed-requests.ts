/**
 * Refuses requests on entries while the node has more to do than it can answer in time, before anything of them is looked at
 * but path and time limit. A refusal must cost a small part of an answer, or a node that is offered several times what it can
 * bear does nothing but refuse: so these do not pass through the app.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEADERS } from '../../api/headers.ts';
import { DEFAULT_TIMEOUT_MS } from '../../core/limits.ts';
import type { AppOptions } from './app-options.ts';
import { CrossOrigin } from './cross-origin.ts';
import { problemReply } from './problem.ts';
import { outcomeForRetry } from './retry-outcome.ts';

/** Every operation on an entry has a target that begins so; what has another form goes the whole way. */
const ENTRY_PATH = '/v1/kv/';

export class ShedRequests {
  readonly #options: AppOptions;
  readonly #crossOrigin: CrossOrigin;

  constructor(options: AppOptions) {
    this.#options = options;
    this.#crossOrigin = new CrossOrigin(options.settings.cors.origins);
  }

  /** Answers the request if it is to be refused; else it does nothing and gives false. */
  refuses(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const { admission } = this.#options;
    if (incoming.url?.startsWith(ENTRY_PATH) !== true || incoming.method === 'OPTIONS') return false;
    const detail = admission.overload(timeLimitOf(incoming));
    if (detail === undefined) return false;
    this.#answer(incoming, outgoing, detail);
    return true;
  }

  #answer(incoming: IncomingMessage, outgoing: ServerResponse, detail: string): void {
    const { node, metrics, requestIds, admission } = this.#options;
    const requestId = requestIds.idFor(incoming.headers['quorate-request-id']);
    const problem = { code: 'overloaded', message: detail, about: {} } as const;
    const { status, headers, body } = problemReply(
      problem,
      requestId,
      outcomeForRetry('overloaded', incoming),
    );
    const { origin } = incoming.headers;
    if (origin !== undefined) this.#crossOrigin.addTo(headers, origin);
    headers[HEADERS.coordinator] = node.nodeId;
    headers[HEADERS.requestId] = requestId;
    headers['Cache-Control'] = 'no-store';
    headers['Vary'] = this.#crossOrigin.vary;
    headers['Content-Length'] = String(Buffer.byteLength(body as string));
    if (admission.draining) headers['Connection'] = 'close';
    metrics.countProblem('overloaded');
    metrics.observeRequest(incoming.method ?? '', status, 0);
    outgoing.writeHead(status, headers);
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  }
}

/** One that is no good is refused later, and with a better answer. */
function timeLimitOf({ headers }: IncomingMessage): number {
  const milliseconds = Number(headers['quorate-timeout-ms'] ?? DEFAULT_TIMEOUT_MS);
  return milliseconds > 0 ? milliseconds : DEFAULT_TIMEOUT_MS;
}
