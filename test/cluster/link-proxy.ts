/**
 * A TCP proxy in front of one node's peer port, used by one other node: the network between the two as a test wants it.
 * Node `from` dials the proxy, the proxy dials node `to`. Each direction of the bytes can be slowed down or stalled for
 * itself; a stalled direction keeps even the news that a connection was closed, as a network does that loses all packets.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Bytes that one stalled or slow direction of a connection holds before it stops to read, as a full window does. */
const MAX_HELD_BYTES = 1024 * 1024;

/** One direction of all connections of a proxy. */
class LinkDirection {
  readonly #pumps = new Set<Pump>();
  #delayMs = 0;
  #isStalled = false;

  get delayMs(): number {
    return this.#delayMs;
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Nothing arrives any more, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Everything arrives that many milliseconds later. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Ends stall and delay; what was held arrives now, in order. */
  heal(): void {
    this.#delayMs = 0;
    this.#isStalled = false;
    for (const pump of this.#pumps) pump.flush();
  }

  /** Carries bytes from one socket to another for as long as the first is open. */
  carry(source: Socket, sink: Socket): void {
    const pump = new Pump(source, sink, this);
    this.#pumps.add(pump);
    sink.once('close', () => this.#pumps.delete(pump));
  }
}

/** A listening proxy. Made by startLinkProxy. */
export class LinkProxy {
  /** Bytes of the dialling node. */
  readonly there = new LinkDirection();
  /** Bytes of the node that is dialled. */
  readonly back = new LinkDirection();
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  constructor(server: Server, targetPort: number) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#targetPort = targetPort;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Resets all connections, and every new one, until `heal`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends the cut, and what is wrong in either direction. */
  heal(): void {
    this.#isCut = false;
    this.there.heal();
    this.back.heal();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    this.#track(client);
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const target = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true });
    this.#track(target);
    client.setNoDelay(true);
    this.there.carry(client, target);
    this.back.carry(target, client);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    // An error is followed by 'close', which the other side of the proxy is told of.
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Starts a proxy on a port of 127.0.0.1 in front of another port there. */
export async function startLinkProxy(port: number, targetPort: number): Promise<LinkProxy> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return new LinkProxy(server, targetPort);
}

interface Parcel {
  readonly arrivedMs: number;
  /** Undefined is the end of the connection. */
  readonly bytes: Buffer | undefined;
}

/** Carries one direction of one connection. */
class Pump {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #direction: LinkDirection;
  readonly #held: Parcel[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket, direction: LinkDirection) {
    this.#source = source;
    this.#sink = sink;
    this.#direction = direction;
    source.on('data', (bytes: Buffer) => this.#add(bytes));
    source.once('close', () => this.#add(undefined));
    sink.once('close', () => clearTimeout(this.#timer));
  }

  /** Delivers what is due, and comes back for the rest. */
  flush(): void {
    clearTimeout(this.#timer);
    const { delayMs, isStalled } = this.#direction;
    if (isStalled) return;
    const nowMs = performance.now();
    for (;;) {
      const next = this.#held[0];
      if (next === undefined) break;
      const waitMs = next.arrivedMs + delayMs - nowMs;
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.flush(), waitMs);
        break;
      }
      this.#held.shift();
      this.#deliver(next);
    }
    if (this.#heldBytes < MAX_HELD_BYTES) this.#source.resume();
  }

  #add(bytes: Buffer | undefined): void {
    this.#held.push({ arrivedMs: performance.now(), bytes });
    this.#heldBytes += bytes?.length ?? 0;
    if (this.#heldBytes >= MAX_HELD_BYTES) this.#source.pause();
    this.flush();
  }

  #deliver({ bytes }: Parcel): void {
    this.#heldBytes -= bytes?.length ?? 0;
    if (!this.#sink.writable) return;
    if (bytes === undefined) this.#sink.end();
    else this.#sink.write(bytes);
  }
}
