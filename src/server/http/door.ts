/**
 * What every request passes, whichever way it came: it is counted, let in, answered by its route, and its answer gets what every
 * answer carries. Handlers give replies, or throw problems.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEADERS } from '../../api/headers.ts';
import type { AppOptions } from './app-options.ts';
import { Authentication } from './authentication.ts';
import { CrossOrigin } from './cross-origin.ts';
import { type Exchange, rawPath, rawQuery } from './exchange.ts';
import { createHandlers } from './handlers.ts';
import { Problem, problemReply } from './problem.ts';
import type { Reply } from './reply.ts';
import { outcomeForRetry } from './retry-outcome.ts';
import { allowedMethods, type Route, routesOf } from './routes.ts';

export class Door {
  readonly routes: readonly Route[];
  readonly #options: AppOptions;
  readonly #authentication: Authentication;
  readonly #crossOrigin: CrossOrigin;
  readonly #vary: string;

  constructor(options: AppOptions) {
    this.#options = options;
    this.routes = routesOf(createHandlers(options));
    this.#authentication = new Authentication(options.settings.auth.tokens);
    this.#crossOrigin = new CrossOrigin(options.settings.cors.origins);
    this.#vary = this.#crossOrigin.vary;
  }

  /** Has a request answered by its route. `onReply` is told while it still counts as under way. Rejects only with what it throws. */
  async answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    route: Route,
    onReply: (reply: Reply) => void,
  ): Promise<void> {
    const exchange = this.#open(incoming, outgoing);
    const { admission, overloadLog } = this.#options;
    let entered = false;
    let reply: Reply;
    try {
      if (route.isOperation) {
        admission.enter();
        entered = true;
      }
      if (route.access !== 'open') this.#authentication.check(exchange.headers, route.access);
      reply = await route.handle(exchange);
    } catch (error) {
      reply = this.#replyTo(error, exchange);
      // Once it was let in, it may be another node that has too much to do.
      if (!entered && error instanceof Problem && error.code === 'overloaded')
        overloadLog.refused(error.message);
    }
    try {
      onReply(this.#complete(exchange, reply, route));
    } finally {
      if (entered) admission.leave(reply.status !== 504);
    }
  }

  /** The answer to a request that no route is for. */
  unrouted(incoming: IncomingMessage, outgoing: ServerResponse): Reply {
    const exchange = this.#open(incoming, outgoing);
    return this.#complete(exchange, this.#unrouted(exchange));
  }

  /** An answer could not be made or sent. */
  failed(incoming: IncomingMessage, outgoing: ServerResponse, error: unknown): Reply {
    const exchange = this.#open(incoming, outgoing);
    return this.#complete(exchange, this.#replyTo(error, exchange));
  }

  /** A path without a route, or a method that its path does not take. OPTIONS is answered for every known path. */
  #unrouted(exchange: Exchange): Reply {
    const { method } = exchange.incoming;
    const allow = allowedMethods(this.routes, exchange.path);
    if (allow === undefined) return this.#replyTo(unknownPath(exchange.path), exchange);
    if (method === 'OPTIONS') return this.#optionsReply(exchange, allow);
    const problem = new Problem('method-not-allowed', `${exchange.path} takes ${allow}, not ${method}.`, {
      headers: { Allow: allow },
      hint: 'Use one of the methods in the header Allow.',
    });
    return this.#replyTo(problem, exchange);
  }

  #open(incoming: IncomingMessage, outgoing: ServerResponse): Exchange {
    const url = incoming.url ?? '/';
    return {
      incoming,
      outgoing,
      headers: incoming.headers,
      path: rawPath(url),
      query: rawQuery(url),
      requestId: this.#options.requestIds.idFor(incoming.headers['quorate-request-id']),
      startedMs: performance.now(),
    };
  }

  /** A problem's reply; anything else that was thrown is a bug, of which a write's fate is not known. */
  #replyTo(error: unknown, { incoming, requestId }: Exchange): Reply {
    if (error instanceof Problem) {
      const outcome = outcomeForRetry(error.code, incoming);
      if (error.code === 'internal') this.#logBug(error, requestId);
      return problemReply(error, requestId, outcome);
    }
    this.#logBug(error, requestId);
    const isWrite = incoming.method === 'PUT' || incoming.method === 'DELETE';
    const outcome = isWrite ? 'unknown' : 'not-applied';
    return problemReply(
      new Problem('internal', 'The node met a state it is not made for.', { outcome }),
      requestId,
    );
  }

  #logBug(error: unknown, requestId: string): void {
    this.#options.log.error({ code: 'internal-error', requestId, err: error }, 'a request met a bug');
  }

  #optionsReply({ headers }: Exchange, allow: string): Reply {
    const preflight = this.#crossOrigin.preflightHeaders(headers.origin, allow);
    return { status: 204, headers: { Allow: allow, ...preflight }, body: null };
  }

  #complete({ incoming, requestId, startedMs }: Exchange, reply: Reply, route?: Route): Reply {
    const { metrics, node, admission } = this.#options;
    const { headers, status } = reply;
    const ms = performance.now() - startedMs;
    headers[HEADERS.coordinator] ??= node.nodeId;
    headers[HEADERS.requestId] = requestId;
    headers['Cache-Control'] = 'no-store';
    headers['Vary'] = this.#vary;
    const phases = headers['Server-Timing'];
    headers['Server-Timing'] = `${phases === undefined ? '' : `${phases}, `}total;dur=${ms.toFixed(2)}`;
    if (incoming.headers.origin !== undefined) this.#crossOrigin.addTo(headers, incoming.headers.origin);
    if (admission.draining) headers['Connection'] = 'close';
    if (reply.problem !== undefined) metrics.countProblem(reply.problem);
    if (route?.isOperation === true) metrics.observeRequest(incoming.method ?? '', status, ms / 1_000);
    return reply;
  }
}

function unknownPath(path: string): Problem {
  return new Problem('not-found', `There is nothing at ${path.slice(0, 200)}.`, {
    hint: 'GET / lists the paths of this API.',
  });
}
