/** Opens and closes the door of the HTTP API. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { ListenError } from '../adapters/tcp-network.ts';

/** Connections that may wait to be accepted; beyond it the system lets clients try again after a second, or more. */
const BACKLOG = 4_096;
/** Milliseconds between two looks for connections that have become idle. */
const IDLE_CHECK_MS = 25;

/** Resolves when the server listens. Rejects with a ListenError. */
export async function listenForHttp(http: Server, bind: string, port: number): Promise<void> {
  http.listen({ host: bind, port, backlog: BACKLOG });
  try {
    await once(http, 'listening');
  } catch (error) {
    throw new ListenError(error as NodeJS.ErrnoException, bind, port);
  }
}

/** Stops listening; connections go when they are idle, or after `graceMs`. Resolves when all are gone. */
export async function closeHttpServer(http: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    // The error, if any, is that it was not listening.
    http.close(() => resolve());
  });
  // A connection whose last answer began before the drain is kept alive by both ends, and becomes idle only later.
  const idleCheck = setInterval(() => http.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => http.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idleCheck);
  clearTimeout(cut);
}
