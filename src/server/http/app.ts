/**
 * The HTTP API as one Hono app. Each route has a single handler and there is no middleware: a chain of them costs more
 * than the whole routing. Handlers give replies, or throw problems; what every answer carries is added in one place here.
 */
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
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

type ResponseBody = ConstructorParameters<typeof Response>[0] & (string | Uint8Array<ArrayBuffer> | null);

interface Environment {
  Bindings: HttpBindings;
}

/** Routes by the raw request target, never by a parsed URL: see entry-name.ts. */
export function createApp(options: AppOptions): Hono<Environment> {
  const app = new Hono<Environment>({
    getPath: (_request, extra) => rawPath((extra as { env: HttpBindings }).env.incoming.url ?? '/'),
  });
  const door = new Door(options);
  for (const route of door.routes) app.on(route.method, route.pattern, (c) => door.answer(c.env, route));
  app.notFound((c: Context<Environment>) => door.answerUnrouted(c.env));
  app.onError((error, c) => door.answerError(c.env, error));
  return app;
}

class Door {
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

  async answer(env: HttpBindings, route: Route): Promise<Response> {
    const exchange = this.#open(env);
    const { admission } = this.#options;
    let entered = false;
    try {
      if (route.isOperation) {
        admission.enter();
        entered = true;
      }
      if (route.access !== 'open') this.#authentication.check(exchange.headers, route.access);
      return this.#finish(exchange, await route.handle(exchange), route);
    } catch (error) {
      return this.#finish(exchange, this.#replyTo(error, exchange), route);
    } finally {
      if (entered) admission.leave();
    }
  }

  /** A path without a route, or a method that its path does not take. OPTIONS is answered for every known path. */
  answerUnrouted(env: HttpBindings): Response {
    const exchange = this.#open(env);
    const { method } = exchange.incoming;
    const allow = allowedMethods(this.routes, exchange.path);
    if (allow === undefined)
      return this.#finish(exchange, this.#replyTo(unknownPath(exchange.path), exchange));
    if (method === 'OPTIONS') return this.#finish(exchange, this.#optionsReply(exchange, allow));
    const problem = new Problem('method-not-allowed', `${exchange.path} takes ${allow}, not ${method}.`, {
      headers: { Allow: allow },
      hint: 'Use one of the methods in the header Allow.',
    });
    return this.#finish(exchange, this.#replyTo(problem, exchange));
  }

  answerError(env: HttpBindings, error: unknown): Response {
    const exchange = this.#open(env);
    return this.#finish(exchange, this.#replyTo(error, exchange));
  }

  #open({ incoming, outgoing }: HttpBindings): Exchange {
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

  #finish(exchange: Exchange, reply: Reply, route?: Route): Response {
    const { incoming, requestId, startedMs } = exchange;
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
    return new Response(bodyOf(incoming.method, reply), { status, headers });
  }
}

/** HEAD has the headers of GET, its length included, and no body. */
function bodyOf(method: string | undefined, { status, body, headers }: Reply): ResponseBody {
  if (body === null) {
    // Without a length Node would announce chunks, and send none.
    if (status !== 204 && status !== 304) headers['Content-Length'] = '0';
    return null;
  }
  if (method !== 'HEAD') return body as ResponseBody;
  headers['Content-Length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  return null;
}

function unknownPath(path: string): Problem {
  return new Problem('not-found', `There is nothing at ${path.slice(0, 200)}.`, {
    hint: 'GET / lists the paths of this API.',
  });
}
