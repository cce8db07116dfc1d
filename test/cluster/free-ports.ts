/**
 * Ports for the nodes of a test. They lie below the range from which the system draws the local ports of outgoing
 * connections: a node that is down for a while must find its port free when it comes back. For the same reason a port that
 * was given once is not given to another test, as long as the process lives that asked for it: each is claimed by a name among
 * the abstract sockets of Linux, which go away with their process. Elsewhere that is left to chance.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
/** Tries for each port; most of them are free. */
const MAX_TRIES = 100;

/** So many different ports that nothing listens on now. They are drawn, so that test runs side by side seldom meet. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  for (let tries = 0; ports.length < count && tries < count * MAX_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    const server = await hold(port);
    if (server === undefined) continue;
    held.push(server);
    if (await claim(port)) ports.push(port);
  }
  await Promise.all(held.map(release));
  if (ports.length < count) throw new Error(`found only ${ports.length} of ${count} free ports`);
  return ports;
}

function hold(port: number): Promise<Server | undefined> {
  return listening(createServer().listen(port, '127.0.0.1'));
}

/** Answers whether no other process has claimed the port. */
async function claim(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const server = await listening(createServer().listen(`\0quorate-test-port-${port}`));
  server?.unref();
  return server !== undefined;
}

/** Undefined if there is one already. */
async function listening(server: Server): Promise<Server | undefined> {
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function release(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
