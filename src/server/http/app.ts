/**
 * The HTTP API as one Hono app, which node:http drives by Hono's adapter. Each route has a single handler and there is no middleware.
 *
 * Reads and writes of entries go past the app, by the same table of routes and through the same door (entry-lane.ts): for these
 * the way to a Request and back from a Response is a large part of all that is done.
 */
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Door } from './door.ts';
import { rawPath } from './exchange.ts';
import type { Reply } from './reply.ts';
import { lengthOf } from './send-reply.ts';

type ResponseBody = ConstructorParameters<typeof Response>[0] & (string | Uint8Array<ArrayBuffer> | null);

interface Environment {
  Bindings: HttpBindings;
}

/** Routes by the raw request target, never by a parsed URL: see entry-name.ts. */
export function createApp(door: Door): Hono<Environment> {
  const app = new Hono<Environment>({
    getPath: (_request, extra) => rawPath((extra as { env: HttpBindings }).env.incoming.url ?? '/'),
  });
  for (const route of door.routes) {
    app.on(
      route.method,
      route.pattern,
      ({ env: { incoming, outgoing } }) =>
        new Promise<Response>((resolve, reject) => {
          const respond = (reply: Reply): void => resolve(responseOf(incoming.method, reply));
          door.answer(incoming, outgoing, route, respond).catch(reject);
        }),
    );
  }
  app.notFound(({ env: { incoming, outgoing } }: Context<Environment>) =>
    responseOf(incoming.method, door.unrouted(incoming, outgoing)),
  );
  app.onError((error, { env: { incoming, outgoing } }) =>
    responseOf(incoming.method, door.failed(incoming, outgoing, error)),
  );
  return app;
}

/** HEAD has the headers of GET, its length included, and no body. */
function responseOf(method: string | undefined, { status, headers, body }: Reply): Response {
  // Without a length Node would announce chunks.
  if (status !== 204 && status !== 304) headers['Content-Length'] = String(lengthOf(body));
  return new Response(method === 'HEAD' ? null : (body as ResponseBody), { status, headers });
}
