/** The process of those who hold connections to a node and do not hurry: idle ones, and slow readers. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ReadingPace, SlowReader } from './slow-reader.ts';

/** Who is to stand by at a node. */
export interface BystandersJob {
  readonly type: 'begin';
  readonly url: string;
  /** Connections that make one request each and are then kept. */
  readonly idle: number;
  readonly slow: readonly { readonly path: string; readonly pace: ReadingPace }[];
}

/** What was seen until the end. */
export interface BystandersSeen {
  /** Idle connections that were still open. */
  readonly idleOpen: number;
  /** Of slow readers. */
  readonly answers: number;
  readonly bytes: number;
  /** Connections of slow readers that the node has ended. */
  readonly closed: number;
}

export type BystandersReply =
  | { readonly type: 'begun' }
  | ({ readonly type: 'ended' } & BystandersSeen)
  | { readonly type: 'failed'; readonly reason: string };

/** Connections that are opened at once. */
const OPENED_AT_ONCE = 100;
/** Until the first answers have filled what buffers there are: from then on all stays as it is. */
const SETTLE_MS = 1_000;

let idle: Socket[] = [];
let readers: SlowReader[] = [];

async function begin({ url, idle: count, slow }: BystandersJob): Promise<BystandersReply> {
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
    const group = Math.min(OPENED_AT_ONCE, count - opened);
    idle.push(...(await Promise.all(Array.from({ length: group }, () => openIdle(url)))));
  }
  readers = slow.map(({ path, pace }) => new SlowReader(url, path, pace));
  await delay(SETTLE_MS);
  return { type: 'begun' };
}

async function openIdle(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET /livez HTTP/1.1\r\nHost: ${hostname}\r\nConnection: keep-alive\r\n\r\n`);
  socket.resume();
  return socket;
}

function end(): BystandersReply {
  const seen = readers.map((reader) => reader.seen);
  const sum = (of: (one: SlowReader['seen']) => number): number =>
    seen.reduce((total, one) => total + of(one), 0);
  const idleOpen = idle.filter((socket) => socket.readyState === 'open').length;
  for (const reader of readers) reader.end();
  for (const socket of idle) socket.destroy();
  readers = [];
  idle = [];
  return {
    type: 'ended',
    idleOpen,
    answers: sum(({ answers }) => answers),
    bytes: sum(({ bytes }) => bytes),
    closed: sum(({ closed }) => closed),
  };
}

process.on('message', (job: BystandersJob | { readonly type: 'end' }) => {
  Promise.resolve(job.type === 'begin' ? begin(job) : end()).then(reply, (error: unknown) =>
    reply({ type: 'failed', reason: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function reply(message: BystandersReply): void {
  process.send?.(message);
}
