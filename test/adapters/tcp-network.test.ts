import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket, connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { framedBytes } from '../../src/codec/frame.ts';
import { createTcpNetwork, type TcpNetwork } from '../../src/adapters/tcp-network.ts';
import { encodeFrames } from '../../src/codec/frame.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { MAX_FRAME_BYTES } from '../../src/core/limits.ts';
import type { Connection } from '../../src/ports/network.ts';
import { RecordedEnd, frameOf, networkContract } from '../contract/network-contract.ts';

const HOST = '127.0.0.1';
const PEER = 'n2' as NodeId;

/** Polls, because sockets tell nobody but their owner; the test's own time limit ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(1);
}

/** A port on which nothing listens: taken and given back. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

networkContract('tcp', async () => {
  const ids = ['n1', 'n2'] as NodeId[];
  const ports = await Promise.all([freePort(), freePort()]);
  const addressOf = (peer: NodeId) => ({ host: HOST, port: ports[ids.indexOf(peer)] ?? 0 });
  const [left, right] = ports.map((port) => createTcpNetwork({ self: { bind: HOST, port }, addressOf }));
  if (left === undefined || right === undefined) throw new Error('two ports make two networks');
  return {
    left,
    leftId: 'n1' as NodeId,
    right,
    rightId: PEER,
    until,
    dispose: async () => {
      await Promise.all([left.close(), right.close()]);
    },
  };
});

describe('tcp network', () => {
  let network: TcpNetwork;
  let inbound: RecordedEnd[];
  let peerAddress: { host: string; port: number };
  const sockets: Socket[] = [];

  beforeEach(async () => {
    inbound = [];
    network = createTcpNetwork({
      self: { bind: HOST, port: 0 },
      addressOf: () => peerAddress,
      connectTimeoutMs: 200,
    });
    await network.listen((connection) => {
      const end = new RecordedEnd();
      end.connection = connection;
      inbound.push(end);
      return end;
    });
    peerAddress = { host: HOST, port: network.port };
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    for (const socket of sockets.splice(0)) socket.destroy();
    await network.close();
  });

  function stranger(): Socket {
    const socket = connect(network.port, HOST);
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  }

  /** Proves that the listener serves others. */
  async function expectService(): Promise<void> {
    const before = inbound.length;
    const end = new RecordedEnd();
    const connection = network.connect(PEER, end);
    connection.send(frameOf(20));
    await until(() => inbound[before]?.frames.length === 1);
    connection.close('served');
    await until(() => end.closes.length === 1);
  }

  it('shows the port that it really listens on', () => {
    expect(network.port).toBeGreaterThan(0);
  });

  it('counts what it sends, with what frames it, and nothing that it receives', async () => {
    const end = new RecordedEnd();
    const connection = network.connect(PEER, end);
    connection.send(frameOf(20));
    connection.send(frameOf(300));
    await until(() => inbound[0]?.frames.length === 2);
    expect(network.sent).toEqual({
      messages: 2,
      bytes: framedBytes(frameOf(20)) + framedBytes(frameOf(300)),
    });
  });

  it('rejects a busy port, naming it and the next step', async () => {
    const second = createTcpNetwork({
      self: { bind: HOST, port: network.port },
      addressOf: () => peerAddress,
    });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(second.listen(() => new RecordedEnd())).rejects.toMatchObject({
        code: 'EADDRINUSE',
        message: expect.stringMatching(new RegExp(`${HOST}:${network.port}: the port is in use\\. Stop`)),
      });
    }
    await second.close();
  });

  it('rejects an address that is not its own', async () => {
    const elsewhere = createTcpNetwork({
      self: { bind: '192.0.2.1', port: 0 },
      addressOf: () => peerAddress,
    });
    await expect(elsewhere.listen(() => new RecordedEnd())).rejects.toThrow(/192\.0\.2\.1/);
    await elsewhere.close();
  });

  it.each([HOST, 'localhost'])('says that nobody listens at %s', async (host) => {
    peerAddress = { host, port: await freePort() };
    const end = new RecordedEnd();
    network.connect(PEER, end);
    await until(() => end.closes.length > 0);
    expect(end.closes[0]?.reason).toBe('connection refused: nothing listens there (ECONNREFUSED)');
  });

  it('says that a connection was reset', async () => {
    const socket = stranger();
    await until(() => inbound.length === 1);
    socket.resetAndDestroy();
    await until(() => inbound[0]?.closes.length === 1);
    expect(inbound[0]?.closes[0]?.reason).toBe('connection reset by the peer (ECONNRESET)');
  });

  it('gives up a connection that does not stand in time', async () => {
    // A stopped process whose queue of waiting connections is full: the kernel answers nobody any more.
    const script = `const s = require('node:net').createServer();
      s.listen({ port: 0, host: '${HOST}', backlog: 1 }, () => process.stdout.write(String(s.address().port)));`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [output] = (await once(child.stdout, 'data')) as [Buffer];
      child.kill('SIGSTOP');
      peerAddress = { host: HOST, port: Number(output.toString()) };
      const ends = Array.from({ length: 8 }, () => new RecordedEnd());
      for (const end of ends) network.connect(PEER, end);
      await until(() => ends.some(({ closes }) => closes.length > 0));
      const reasons = ends.flatMap(({ closes }) => closes.map(({ reason }) => reason));
      expect(new Set(reasons)).toEqual(new Set(['no connection within 200 ms']));
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('writes the frames of one turn at once, large ones uncopied', async () => {
    const end = new RecordedEnd();
    const connection = network.connect(PEER, end);
    await until(() => end.opened === 1 && inbound.length === 1);
    const write = vi.spyOn(Socket.prototype, 'write');
    const writeTogether = vi.spyOn(Socket.prototype, '_writev' as 'write');
    const large = frameOf(100_000);
    for (let index = 0; index < 50; index += 1) connection.send(frameOf(30, index));
    await Promise.resolve();
    process.nextTick(() => connection.send(large));
    await until(() => inbound[0]?.frames.length === 51);
    expect(write.mock.calls.map(([bytes]) => (bytes as Uint8Array).length)).toEqual([50 * 34 + 4, 100_000]);
    expect(write.mock.calls[1]?.[0]).toBe(large);
    expect(writeTogether).toHaveBeenCalledTimes(1);
  });

  it('counts as queued what the peer does not read', async () => {
    const readers: Socket[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
      readers.push(socket);
    }).listen(0, HOST);
    await once(server, 'listening');
    peerAddress = { host: HOST, port: (server.address() as AddressInfo).port };
    const ends = [new RecordedEnd(), new RecordedEnd()] as const;
    const [read, unread] = ends.map((end) => network.connect(PEER, end)) as [Connection, Connection];
    const frame = new Uint8Array(MAX_FRAME_BYTES);
    for (const connection of [read, unread]) {
      for (let index = 0; index < 100; index += 1) connection.send(frame);
      expect(connection.queuedBytes).toBe(100 * (MAX_FRAME_BYTES + 4));
    }
    await until(() => ends.every(({ opened }) => opened === 1) && readers.length === 2);
    // Far more than the kernel takes for a peer that does not read.
    expect(read.queuedBytes).toBeGreaterThan(MAX_FRAME_BYTES);
    unread.close('not waiting for that');
    await until(() => ends[1].closes.length === 1);
    expect(unread.queuedBytes).toBe(0);
    for (const socket of readers) socket.resume();
    await until(() => read.queuedBytes === 0);
    expect(ends[0].closes).toEqual([]);
    server.close();
  });

  it.each(['close', 'reset'] as const)(
    'delivers what the kernel still holds to a peer that reads late only after a close: %s',
    async (how) => {
      let received = 0;
      let isOver = false;
      const server = createServer({ pauseOnConnect: true }, (socket) => {
        socket.on('data', (bytes) => {
          received += bytes.length;
        });
        socket.on('error', () => undefined);
        socket.on('close', () => {
          isOver = true;
        });
        sockets.push(socket);
      }).listen(0, HOST);
      await once(server, 'listening');
      peerAddress = { host: HOST, port: (server.address() as AddressInfo).port };
      const end = new RecordedEnd();
      const connection = network.connect(PEER, end);
      await until(() => end.opened === 1 && sockets.length === 1);
      // Until neither kernel takes any more.
      const frame = new Uint8Array(MAX_FRAME_BYTES);
      let sent = 0;
      while (connection.queuedBytes < 4 * MAX_FRAME_BYTES) {
        connection.send(frame);
        sent += MAX_FRAME_BYTES + 4;
        await delay(5);
      }
      const left = sent - connection.queuedBytes;
      connection[how]('no more of you');
      await until(() => end.closes.length === 1);
      sockets[0]?.resume();
      await until(() => isOver);
      if (how === 'close') expect(received).toBeGreaterThanOrEqual(left);
      else expect(received).toBeLessThan(left);
      server.close();
    },
  );

  it('throws for what cannot be a frame', () => {
    const connection = network.connect(PEER, new RecordedEnd());
    expect(() => connection.send(new Uint8Array(0))).toThrow(RangeError);
    expect(() => connection.send(new Uint8Array(MAX_FRAME_BYTES + 1))).toThrow(RangeError);
  });

  it('delivers what was sent just before a close, if the peer reads', async () => {
    const end = new RecordedEnd();
    const connection = network.connect(PEER, end);
    await until(() => end.opened === 1);
    connection.send(frameOf(40));
    connection.close('refused');
    await until(() => inbound[0]?.closes.length === 1);
    expect(inbound[0]?.frames).toEqual([frameOf(40)]);
  });

  const good = Buffer.concat(encodeFrames([frameOf(9)]));
  it.each([
    ['a length of zero', Buffer.alloc(4), 0],
    ['a length above the bound', Buffer.from([0, 4, 0, 1, 1, 2, 3]), 0],
    ['the largest length', Buffer.alloc(100, 255), 0],
    ['text of another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 0],
    ['a good frame, then rubbish', Buffer.concat([good, Buffer.alloc(9, 200)]), 1],
  ])('closes a connection that brings %s, and serves the others', async (_, bytes, frames) => {
    const end = new RecordedEnd();
    network.connect(PEER, end);
    await until(() => end.opened === 1 && inbound.length === 1);
    const socket = stranger();
    await until(() => inbound.length === 2);
    socket.write(bytes);
    await until(() => inbound[1]?.closes.length === 1 && socket.destroyed);
    expect(inbound[1]?.closes[0]?.cause).toBe('malformed');
    expect(inbound[1]?.frames).toHaveLength(frames);
    expect([end.closes, inbound[0]?.closes]).toEqual([[], []]);
    await expectService();
  });

  it('blames nobody for a stream that ends in the middle of a frame, or breaks there', async () => {
    for (const length of [2, 4, 8]) {
      stranger().end(good.subarray(0, length));
      const socket = stranger();
      await once(socket, 'connect');
      socket.write(good.subarray(0, length));
      socket.resetAndDestroy();
    }
    await until(() => inbound.length === 6 && inbound.every(({ closes }) => closes.length === 1));
    expect(inbound.map(({ closes }) => closes[0]?.cause)).toEqual(Array.from({ length: 6 }, () => 'closed'));
    expect(inbound.map(({ closes }) => closes[0]?.reason)).toContain('closed in the middle of a message');
    await expectService();
  });

  it('survives random bytes on many connections', async () => {
    let state = 12_345;
    const nextByte = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state >> 16;
    };
    for (let round = 0; round < 50; round += 1) {
      const bytes = Uint8Array.from({ length: 1 + (nextByte() % 500) }, nextByte);
      // Some begin with a length that passes.
      if (round % 3 === 0) bytes.fill(0, 0, 3);
      stranger().end(bytes);
    }
    await until(() => inbound.length === 50 && inbound.every(({ closes }) => closes.length === 1));
    expect(inbound.some(({ closes }) => closes[0]?.cause === 'malformed')).toBe(true);
    await expectService();
  });

  it('closes inbound connections beyond the bound, and takes new ones when there is room', async () => {
    const crowd: Socket[] = [];
    const gone = (): Socket[] => crowd.filter(({ destroyed }) => destroyed);
    // Not all at once: what the system cannot queue for the listener it lets try again after seconds, or never tells.
    while (crowd.length < 1_030) {
      const some = Array.from({ length: 103 }, () => stranger().resume());
      crowd.push(...some);
      await until(() => inbound.length === Math.min(crowd.length, 1_024));
    }
    await until(() => inbound.length === 1_024 && gone().length === 6);
    for (const socket of crowd) socket.destroy();
    await until(() => inbound.every(({ closes }) => closes.length === 1));
    await expectService();
  });
});
