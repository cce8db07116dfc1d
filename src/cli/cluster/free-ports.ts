/**
 * Whether a cluster's ports are free, before any node is started: five nodes that each fail on their port would bury the
 * one sentence that helps. A port may still be taken between this look and the node's start; the node then says so itself.
 */
import { createServer } from 'node:net';

/** An address that a node will listen on. */
export interface ListenAddress {
  readonly node: string;
  readonly purpose: 'HTTP' | 'peer';
  readonly host: string;
  readonly port: number;
}

/** One sentence for each address that cannot be listened on; empty if all can. */
export async function unavailableAddresses(addresses: readonly ListenAddress[]): Promise<readonly string[]> {
  const problems = await Promise.all(addresses.map(problemOf));
  return problems.filter((problem) => problem !== undefined);
}

async function problemOf(address: ListenAddress): Promise<string | undefined> {
  const code = await listenOnce(address);
  if (code === undefined) return undefined;
  const place = `${address.host}:${address.port} (${address.purpose} port of ${address.node})`;
  if (code === 'EADDRINUSE') return `${place} is in use by another process.`;
  if (code === 'EADDRNOTAVAIL') return `${place} is not an address of this machine.`;
  if (code === 'EACCES') return `${place} may not be opened by this user.`;
  return `${place} cannot be opened (${code}).`;
}

/** The error code of trying, or undefined. */
function listenOnce(address: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
