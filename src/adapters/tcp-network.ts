/**
 * The network port on TCP: listens, connects, and knows which connections there are. What happens on one of them is
 * in tcp-connection.ts.
 */
import { createServer, connect as connectSocket, type Server, type Socket } from 'node:net';
import type { NodeId } from '../core/ids.ts';
import type { Connection, ConnectionHandlers, Network } from '../ports/network.ts';
import { TcpConnection, hostAndPort, type SentFrames } from './tcp-connection.ts';

/** Inbound connections at once; one more is closed at once. Members hold a few each, so only strangers get there. */
const MAX_INBOUND_CONNECTIONS = 1_024;
/** Milliseconds until an outbound connection must stand, name lookup included. */
const DEFAULT_CONNECT_TIMEOUT_MS = 3_000;
/** Milliseconds of silence after which the kernel starts to ask whether the other machine is still there. */
const KEEP_ALIVE_DELAY_MS = 10_000;

const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
} as const;

interface TcpAddress {
  /** A name or an IP address. */
  readonly host: string;
  readonly port: number;
}

interface TcpNetworkOptions {
  /** Where to listen: the local address, and the port; 0 takes a free one. */
  readonly self: { readonly bind: string; readonly port: number };
  /** Where a member listens. Asked at each connect. */
  readonly addressOf: (peer: NodeId) => TcpAddress;
  /** Milliseconds; 3,000 if not set. */
  readonly connectTimeoutMs?: number;
}

export interface TcpNetwork extends Network {
  /** The port that is listened on; before `listen` resolved, the one that was asked for. */
  readonly port: number;
  /** On all connections so far. */
  readonly sent: Readonly<SentFrames>;
}

export function createTcpNetwork(options: TcpNetworkOptions): TcpNetwork {
  return new NodeTcpNetwork(options);
}

class NodeTcpNetwork implements TcpNetwork {
  readonly sent: SentFrames = { messages: 0, bytes: 0 };
  readonly #options: TcpNetworkOptions;
  readonly #connections = new Set<TcpConnection>();
  #server: Server | undefined;
  #listening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #port: number;

  constructor(options: TcpNetworkOptions) {
    this.#options = options;
    this.#port = options.self.port;
  }

  get port(): number {
    return this.#port;
  }

  listen(accept: (connection: Connection) => ConnectionHandlers): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new Error('The network is closed'));
    if (this.#listening !== undefined) return Promise.reject(new Error('The network listens already'));
    const server = createServer(SOCKET_OPTIONS, (socket) => {
      // Accepted by the system before the listener was closed, told after: nobody would close it any more.
      if (this.#closing !== undefined) {
        socket.destroy();
        return;
      }
      const remote = hostAndPort(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0);
      const connection = this.#add(socket, remote);
      connection.start(accept(connection));
    });
    server.maxConnections = MAX_INBOUND_CONNECTIONS;
    this.#server = server;
    this.#listening = this.#bind(server);
    return this.#listening;
  }

  #bind(server: Server): Promise<void> {
    const { bind, port } = this.#options.self;
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => {
        this.#listening = undefined;
        reject(new ListenError(error, bind, port));
      };
      server.once('error', onError);
      server.listen({ host: bind, port }, () => {
        server.off('error', onError);
        // From here on an error is one failed accept (no file descriptor left): the peer tries again, others go on.
        server.on('error', () => undefined);
        const address = server.address();
        if (address !== null && typeof address === 'object') this.#port = address.port;
        resolve();
      });
    });
  }

  connect(peer: NodeId, handlers: ConnectionHandlers): Connection {
    const { host, port } = this.#options.addressOf(peer);
    const socket = connectSocket({ ...SOCKET_OPTIONS, host, port });
    const connection = this.#add(socket, `${peer} at ${hostAndPort(host, port)}`);
    const timeoutMs = this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    const timeout = setTimeout(() => connection.close(`no connection within ${timeoutMs} ms`), timeoutMs);
    socket.once('connect', () => clearTimeout(timeout));
    socket.once('close', () => clearTimeout(timeout));
    connection.start(handlers);
    if (this.#closing !== undefined) connection.close('this node is shutting down');
    return connection;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    // A listener that is only just starting cannot be closed; one that failed needs no closing.
    await this.#listening?.catch(() => undefined);
    const server = this.#server;
    const stopped = server?.listening === true ? new Promise((resolve) => server.close(resolve)) : undefined;
    const closed = [...this.#connections].map((connection) => connection.closed);
    for (const connection of this.#connections) connection.close('this node is shutting down');
    await Promise.all([stopped, ...closed]);
  }

  #add(socket: Socket, remote: string): TcpConnection {
    const connection = new TcpConnection(socket, remote, this.sent);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    return connection;
  }
}

/** An address cannot be listened on; the message says why and what to do. `code` is that of the system. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string | undefined;

  constructor(cause: NodeJS.ErrnoException, bind: string, port: number) {
    super(`Cannot listen on ${hostAndPort(bind, port)}: ${nextStep(cause)}`, { cause });
    this.code = cause.code;
  }
}

function nextStep({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use. Stop the process that listens there, or give this node another port.';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address. Bind to one of its own, or to 0.0.0.0.';
    case 'EACCES':
      return 'no permission. Choose a port of 1024 or above.';
    default:
      return `${message}.`;
  }
}
