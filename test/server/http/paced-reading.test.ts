/** When connections are read under overload: the latest when the node wants more, and some of the oldest. */
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PacedReading } from '../../../src/server/http/paced-reading.ts';
import { Turns, type Waited } from '../../../src/server/http/turns.ts';
import { readUntil } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

class Connection extends EventEmitter {
  isRead = true;
  writable = true;

  pause(): void {
    this.isRead = false;
  }

  resume(): void {
    this.isRead = true;
    this.emit('resume');
  }

  isPaused(): boolean {
    return !this.isRead;
  }
}

/** Some connections of a node on a clock of its own. */
class Crowd {
  nowMs = 0;
  isDraining = false;
  /** Requests that the node wants. */
  room = 0;
  /** Of each millisecond, how much of a processor the node has. */
  processorShare = 1;
  #processorMs = 0;
  readonly reading = new PacedReading({
    isDraining: () => this.isDraining,
    room: () => this.room,
    nowMs: () => this.nowMs,
    processorMs: () => this.#processorMs,
  });
  readonly all: readonly Connection[];

  constructor(size: number) {
    this.all = Array.from({ length: size }, () => new Connection());
  }

  /** Has a request of each refused in one turn. */
  refuse(
    tookMs: number,
    connections: readonly Connection[] = this.all,
    complete = true,
    isOverload = true,
  ): void {
    for (const socket of connections) {
      const incoming = { socket, complete } as unknown as IncomingMessage;
      const outgoing = new EventEmitter();
      this.reading.refused(incoming, outgoing as unknown as ServerResponse, { tookMs, isOverload });
      outgoing.emit('close');
    }
  }

  /** Numbers of those that are read. */
  get read(): readonly number[] {
    return this.all.flatMap(({ isRead }, number) => (isRead ? [number] : []));
  }

  mayHaveWaitedMs(number: number): number {
    return this.reading.mayHaveWaitedMs(this.all[number] as unknown as Socket);
  }

  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 1) {
      this.nowMs += 1;
      this.#processorMs += this.processorShare;
      await vi.advanceTimersByTimeAsync(1);
    }
  }
}

/** None is read; all were refused, of which 2 ms were seen: that takes ten times as much, which is 12 % of 167 ms. */
async function restingCrowd(size = 64): Promise<Crowd> {
  const crowd = new Crowd(size);
  const [first] = crowd.all as [Connection];
  crowd.refuse(0, [first]);
  await crowd.pass(2);
  expect(crowd.read).toHaveLength(size);
  crowd.refuse(2 / size);
  expect(crowd.read).toHaveLength(0);
  return crowd;
}

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe('connections under overload', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are not read for a moment, then some of the oldest and of the latest at a time', async () => {
    const crowd = new Crowd(200);
    crowd.refuse(0);
    await crowd.pass(1);
    expect(crowd.read).toEqual([]);
    await crowd.pass(1);
    // And some of the latest.
    expect(crowd.read).toEqual([...numbers(0, 15), ...numbers(184, 199)]);
    await crowd.pass(2);
    expect(crowd.read).toEqual([...numbers(0, 31), ...numbers(168, 199)]);
    await crowd.pass(30);
    expect(crowd.read).toEqual(numbers(0, 199));
  });

  it('are read a share of the oldest at a time if they are many, so that none waits for long', async () => {
    const crowd = new Crowd(8_000);
    crowd.refuse(0);
    await crowd.pass(2);
    expect(crowd.read).toEqual([...numbers(0, 499), ...numbers(7_984, 7_999)]);
    await crowd.pass(60);
    expect(crowd.read).toEqual(expect.arrayContaining([...numbers(0, 6_000)]));
  });

  it('are read at once if the node wants more, the latest first', async () => {
    const crowd = await restingCrowd(200);
    crowd.room = 20;
    await crowd.pass(2);
    expect(crowd.read).toEqual(numbers(180, 199));
    crowd.room = 5;
    await crowd.pass(2);
    expect(crowd.read).toEqual(numbers(175, 199));
    crowd.room = 500;
    await crowd.pass(2);
    expect(crowd.read).toEqual(numbers(0, 199));
  });

  it('are read after a rest in which the node had several times as much of its processor as refusals took', async () => {
    const crowd = await restingCrowd();
    await crowd.pass(160);
    expect(crowd.read).toHaveLength(0);
    await crowd.pass(10);
    expect(crowd.read).toContain(15);
  });

  it('rest for longer where the node has less of a processor, but not for ever', async () => {
    const crowd = await restingCrowd();
    crowd.processorShare = 0.75;
    await crowd.pass(216);
    expect(crowd.read).toHaveLength(0);
    await crowd.pass(10);
    expect(crowd.read).toContain(15);
    const poor = await restingCrowd();
    poor.processorShare = 0.1;
    await poor.pass(247);
    expect(poor.read).toHaveLength(0);
    await poor.pass(6);
    expect(poor.read).toContain(15);
  });

  it('rest whether others wait meanwhile or not', async () => {
    const crowd = new Crowd(16);
    crowd.refuse(0);
    await crowd.pass(2);
    expect(crowd.read).toHaveLength(16);
    crowd.refuse(0.125);
    crowd.room = 16;
    await crowd.pass(2);
    expect(crowd.read).toHaveLength(16);
    crowd.room = 0;
    await crowd.pass(100);
    crowd.refuse(0);
    await crowd.pass(60);
    expect(crowd.read).toHaveLength(0);
    await crowd.pass(10);
    expect(crowd.read).toHaveLength(16);
  });

  it('may give in the turn in which they are read again what has lain there since, and nothing older after it', async () => {
    const crowd = new Crowd(1);
    expect(crowd.mayHaveWaitedMs(0)).toBe(0);
    crowd.refuse(0);
    crowd.nowMs += 700;
    vi.advanceTimersByTime(2);
    expect(crowd.read).toEqual([0]);
    expect(crowd.mayHaveWaitedMs(0)).toBe(700);
    expect(crowd.mayHaveWaitedMs(0)).toBe(700);
    await crowd.pass(1);
    expect(crowd.mayHaveWaitedMs(0)).toBe(0);
  });

  it('are as old as before if somebody else holds them back while they are read', async () => {
    const crowd = new Crowd(1);
    const [connection] = crowd.all as [Connection];
    crowd.refuse(0);
    crowd.nowMs += 700;
    vi.advanceTimersByTime(2);
    connection.pause();
    await crowd.pass(100);
    expect(crowd.mayHaveWaitedMs(0)).toBe(800);
    connection.resume();
    expect(crowd.mayHaveWaitedMs(0)).toBe(800);
    await crowd.pass(1);
    expect(crowd.mayHaveWaitedMs(0)).toBe(0);
  });

  it('are read by turns for a second after something was refused, but not for the sake of who is in haste', async () => {
    const crowd = new Crowd(1);
    crowd.refuse(0, crowd.all, true, false);
    expect(crowd.read).toEqual([]);
    expect(crowd.reading.isPacing).toBe(false);
    crowd.refuse(0);
    await crowd.pass(999);
    expect(crowd.reading.isPacing).toBe(true);
    await crowd.pass(1);
    expect(crowd.reading.isPacing).toBe(false);
  });

  it('do not rest for what came between when a refusal was seen to take', async () => {
    const crowd = await restingCrowd(1);
    await crowd.pass(170);
    crowd.refuse(50);
    await crowd.pass(20);
    expect(crowd.read).toEqual([0]);
  });

  it('do not wait any more once Node reads on by itself', async () => {
    const crowd = new Crowd(100);
    crowd.refuse(0);
    crowd.nowMs += 300;
    crowd.all[20]?.resume();
    expect(crowd.mayHaveWaitedMs(20)).toBe(300);
    await vi.advanceTimersByTimeAsync(0);
    expect(crowd.mayHaveWaitedMs(20)).toBe(0);
    expect(crowd.mayHaveWaitedMs(21)).toBe(300);
  });

  it('are read on if a body is still to come, and forgotten if they have closed', () => {
    const crowd = new Crowd(2);
    const [first, second] = crowd.all as [Connection, Connection];
    crowd.refuse(0, [first], false);
    second.writable = false;
    crowd.refuse(0, [second]);
    expect(crowd.read).toEqual([0, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are all read at once while the node drains, and wait no more', async () => {
    const crowd = new Crowd(300);
    crowd.refuse(0);
    crowd.isDraining = true;
    await crowd.pass(2);
    expect(crowd.read).toHaveLength(300);
    crowd.refuse(0);
    expect(crowd.read).toHaveLength(300);
  });
});

describe('a request behind others on its connection', () => {
  it('has waited unread for as long as they had, and in line besides', async () => {
    const begun: Waited[] = [];
    const turns = new Turns((_incoming, _outgoing, waited) => begun.push(waited));
    const socket = Object.assign(new EventEmitter(), { writable: true });
    const outgoing = Object.assign(new EventEmitter(), { socket: null, headersSent: false });
    turns.take({ socket } as unknown as IncomingMessage, outgoing as unknown as ServerResponse, 501);
    await delay(20);
    expect(begun).toEqual([]);
    outgoing.emit('socket');
    await new Promise(setImmediate);
    expect(begun).toEqual([{ unreadMs: 501, inLineMs: expect.any(Number) }]);
    expect(begun[0]?.inLineMs).toBeGreaterThan(15);
  });
});

const PUT = 'PUT /v1/kv/b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nv';

const GET = 'GET /v1/kv/b/k HTTP/1.1\r\nHost: a\r\n\r\n';

/** Answers of one connection, whose second request is not read with those of others that come after it. */
async function twoRequests(
  server: TestServer,
  end: string,
): Promise<{ readonly first: string; readonly second: string }> {
  const socket = await server.client.connect();
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    socket.write(PUT);
    const first = await readUntil(socket, end);
    const progress = { isAnswered: false };
    const second = readUntil(socket, end).finally(() => (progress.isAnswered = true));
    socket.write(PUT);
    for (let others = 0; others < 10; others += 1) await server.client.get('/livez');
    expect(progress.isAnswered).toBe(false);
    // A rest is over by the real clock at the latest, but looked at by timers that stand still unless they are moved.
    const beganMs = performance.now();
    while (!progress.isAnswered && performance.now() - beganMs < 10_000) {
      await vi.advanceTimersByTimeAsync(20);
      await new Promise((done) => setImmediate(done));
    }
    expect(progress.isAnswered).toBe(true);
    return { first, second: await second };
  } finally {
    vi.useRealTimers();
  }
}

describe('a server', () => {
  it('reads by turns from the connections of which it lets requests in, too, if it has just refused some', async () => {
    const server = await startTestServer();
    const pacing = vi.spyOn(PacedReading.prototype, 'isPacing', 'get').mockReturnValue(true);
    try {
      const { first, second } = await twoRequests(server, '\r\n\r\n');
      expect(first).toContain('HTTP/1.1 201');
      expect(second).toContain('HTTP/1.1 204');
    } finally {
      pacing.mockRestore();
      await server.close();
    }
  });

  it('reads on from a connection if it has refused none', async () => {
    const server = await startTestServer();
    const paced = vi.spyOn(PacedReading.prototype, 'pace');
    try {
      expect((await server.client.put('/v1/kv/b/k', 'v')).status).toBe(201);
      expect(paced).not.toHaveBeenCalled();
    } finally {
      paced.mockRestore();
      await server.close();
    }
  });
});

describe('a server that refuses everything', () => {
  it('answers each request of many connections', async () => {
    const server = await startTestServer({ limits: { maxOperationsInFlight: 1 } });
    try {
      server.admission.enter();
      const sockets = await Promise.all(Array.from({ length: 300 }, () => server.client.connect()));
      for (let round = 0; round < 3; round += 1) {
        for (const socket of sockets) socket.write(PUT);
        const answers = await Promise.all(sockets.map((socket) => readUntil(socket, '"retryAfterMs":1000}')));
        expect(new Set(answers.map((answer) => answer.slice(0, 12)))).toEqual(new Set(['HTTP/1.1 503']));
      }
      server.admission.leave(true);
      await delay(20);
      const [socket] = sockets as [Socket];
      // A read, for a write may have lain there for too long by now.
      socket.write(GET);
      expect(await readUntil(socket, '\r\n\r\n')).toContain('HTTP/1.1 404');
      await Promise.all(sockets.map((each) => once(each.destroy(), 'close')));
    } finally {
      await server.close();
    }
  });

  it('does not read from their connections until it is their turn', async () => {
    const server = await startTestServer({ limits: { maxOperationsInFlight: 1 } });
    try {
      server.admission.enter();
      const { first, second } = await twoRequests(server, '"retryAfterMs":1000}');
      expect(first).toContain('HTTP/1.1 503');
      expect(second).toContain('HTTP/1.1 503');
    } finally {
      await server.close();
    }
  });

  it('refuses what may have lain for too long in a connection that was not read', async () => {
    const server = await startTestServer();
    const waited = vi.spyOn(PacedReading.prototype, 'mayHaveWaitedMs').mockReturnValue(501);
    try {
      const refused = await server.client.put('/v1/kv/b/k', 'v');
      expect(refused.status).toBe(503);
      expect(refused.text).toContain('did not read from this connection for 501 ms');
      expect((await server.client.get('/v1/kv/b/k')).status).toBe(404);
      waited.mockReturnValue(300);
      const short = { 'Quorate-Timeout-Ms': '299' };
      expect((await server.client.put('/v1/kv/b/k', 'v', short)).status).toBe(503);
      expect((await server.client.get('/v1/kv/b/k', short)).status).toBe(503);
      expect((await server.client.put('/v1/kv/b/k', 'v')).status).toBe(201);
    } finally {
      waited.mockRestore();
      await server.close();
    }
  });
});
