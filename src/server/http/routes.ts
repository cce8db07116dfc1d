/** Every path with its method, who may use it, and what answers. What is not listed is 404 or 405. */
import { PATHS } from '../../api/paths.ts';
import type { Access } from './authentication.ts';
import type { Exchange } from './exchange.ts';
import type { Reply } from './reply.ts';

export interface Route {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** `/*` at the end matches every path below. HEAD goes where GET goes. */
  readonly pattern: string;
  /** The paths of the OpenAPI description that this route answers. */
  readonly described: readonly string[];
  /** `open` needs no token. */
  readonly access: Access | 'open';
  /** Whether it counts as an operation: bounded in number, refused while draining, timed. */
  readonly isOperation: boolean;
  readonly handle: (exchange: Exchange) => Reply | Promise<Reply>;
}

type Handle = Route['handle'];

export interface Handlers {
  readonly getEntry: Handle;
  readonly putEntry: Handle;
  readonly deleteEntry: Handle;
  readonly inspect: Handle;
  readonly outcome: Handle;
  readonly ring: Handle;
  readonly cluster: Handle;
  readonly livez: Handle;
  readonly readyz: Handle;
  readonly metrics: Handle;
  readonly openapi: Handle;
  readonly help: Handle;
}

/** The table of routes. */
export function routesOf(handlers: Handlers): readonly Route[] {
  const entry = `${PATHS.kv}/{bucket}/{key}`;
  const kv = { pattern: `${PATHS.kv}/*`, isOperation: true } as const;
  const read = { method: 'GET', access: 'read', isOperation: false } as const;
  const open = { method: 'GET', access: 'open', isOperation: false } as const;
  const at = (path: string): { pattern: string; described: readonly string[] } => ({
    pattern: path,
    described: [path],
  });
  return [
    {
      ...kv,
      method: 'GET',
      access: 'read',
      described: [entry, `${PATHS.kv}/{bucket}`],
      handle: handlers.getEntry,
    },
    { ...kv, method: 'PUT', access: 'write', described: [entry], handle: handlers.putEntry },
    { ...kv, method: 'DELETE', access: 'write', described: [entry], handle: handlers.deleteEntry },
    {
      ...read,
      isOperation: true,
      pattern: `${PATHS.inspect}/*`,
      described: [`${PATHS.inspect}/{bucket}/{key}`],
      handle: handlers.inspect,
    },
    {
      ...read,
      access: 'write',
      isOperation: true,
      pattern: `${PATHS.outcome}/*`,
      described: [`${PATHS.outcome}/{bucket}/{key}`],
      handle: handlers.outcome,
    },
    { ...read, ...at(PATHS.ring), handle: handlers.ring },
    { ...read, ...at(PATHS.cluster), handle: handlers.cluster },
    { ...open, ...at(PATHS.livez), handle: handlers.livez },
    { ...open, ...at(PATHS.readyz), handle: handlers.readyz },
    { ...read, ...at(PATHS.metrics), handle: handlers.metrics },
    { ...open, ...at(PATHS.openapi), handle: handlers.openapi },
    { ...open, ...at('/'), handle: handlers.help },
  ];
}

/** Value of `Allow` for a path, or undefined if there is no such path. */
export function allowedMethods(routes: readonly Route[], path: string): string | undefined {
  const methods = routes.filter(({ pattern }) => matches(pattern, path)).map(({ method }) => method);
  if (methods.length === 0) return undefined;
  return [...methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'].join(
    ', ',
  );
}

/** The route that answers such a request; undefined if none does. */
export function routeOf(
  routes: readonly Route[],
  method: string | undefined,
  path: string,
): Route | undefined {
  const wanted = method === 'HEAD' ? 'GET' : method;
  return routes.find((route) => route.method === wanted && matches(route.pattern, path));
}

function matches(pattern: string, path: string): boolean {
  if (!pattern.endsWith('/*')) return pattern === path;
  const base = pattern.slice(0, -2);
  return path === base || path.startsWith(`${base}/`);
}
