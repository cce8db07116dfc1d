/** Many requests in a row on one connection: each is begun when those before it are answered. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenAnswers } from '../../../src/server/http/open-answers.ts';
import { problemInBytes, readToEnd, readUntil } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

const SLOW = 'PUT /v1/kv/line/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nslow';
const BROKEN =
  'PUT /v1/kv/line/broken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nno chunk\r\n';
const LAST = 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

function get(key: string): string {
  return `GET /v1/kv/line/${key} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

function put(key: string, value: string): string {
  return `PUT /v1/kv/line/${key} HTTP/1.1\r\nHost: a\r\nContent-Length: ${value.length}\r\n\r\n${value}`;
}

/** Sends a PUT that is not answered before `finish` was called, and more behind it. */
async function sendBehindSlow(more: string): Promise<{ socket: Socket; finish: () => void }> {
  let finish = (): void => {};
  const { node } = server;
  node.script.put = async (request) => {
    delete node.script.put;
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return node.put(request);
  };
  const socket = await server.client.connect();
  socket.write(SLOW + more);
  await vi.waitFor(() => expect(server.admission.inFlight).toBe(1));
  // What was sent with the first request is parsed with it, before another connection is served from start to end.
  await server.client.get('/livez');
  return { socket, finish: () => finish() };
}

function statusesIn(bytes: string): readonly string[] {
  return [...bytes.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => String(status));
}

describe('a request behind others on its connection', () => {
  it('sees what they have written', async () => {
    const { socket, finish } = await sendBehindSlow(get('slow') + put('slow', 'again') + LAST);
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toEqual(['201', '200', '204', '200']);
    expect(answer).toContain('\r\n\r\nslow');
  });

  it('is not begun while they are unanswered', async () => {
    const { socket, finish } = await sendBehindSlow(get('a') + put('b', 'b') + get('c') + LAST);
    expect(server.admission.inFlight).toBe(1);
    expect([server.node.reads.length, server.node.puts.length]).toEqual([0, 1]);
    finish();
    expect(statusesIn(await readToEnd(socket))).toEqual(['201', '404', '201', '404', '200']);
    expect(server.admission.inFlight).toBe(0);
  });

  it('is not begun if it has waited there for longer than its time limit', async () => {
    const late = put('late', 'late').replace('Host: a', 'Host: a\r\nQuorate-Timeout-Ms: 50');
    const { socket, finish } = await sendBehindSlow(late + get('late') + LAST);
    await delay(80);
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toEqual(['201', '503', '404', '200']);
    expect(answer).toContain('behind others of its connection, longer than its time limit');
  });

  it('is not begun while one before it has not wholly left', async () => {
    const value = 'x'.repeat(60_000);
    await server.client.put('/v1/kv/line/large', value);
    const socket = await server.client.connect();
    socket.pause();
    const count = 500;
    socket.write(get('large').repeat(count) + LAST);
    const reads = server.node.reads;
    // Systems take some megabytes for a reader that does not read, and then no more.
    let before = -1;
    await vi.waitFor(
      () => {
        const now = reads.length;
        const isStill = now > 0 && now === before;
        before = now;
        expect(isStill).toBe(true);
      },
      { interval: 100, timeout: 5_000 },
    );
    expect(reads.length).toBeLessThan(count);
    const ended = readToEnd(socket);
    socket.resume();
    expect(statusesIn(await ended)).toHaveLength(count + 1);
    expect(reads).toHaveLength(count);
  });

  it('waits with 300 others, and all are answered in their order', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`);
    for (const key of keys) await server.client.put(`/v1/kv/line/${key}`, `value of ${key};`);
    const answer = await server.client.exchangeBytes(keys.map(get).join('') + LAST);
    const values = [...answer.matchAll(/value of ([^;]*);/g)].map(([, key]) => key);
    expect(values).toEqual(keys);
  });

  it('is refused in its turn', async () => {
    const count = 500;
    for (let entered = 0; entered < server.config.limits.maxOperationsInFlight; entered += 1)
      server.admission.enter();
    const answer = await server.client.exchangeBytes(get('k').repeat(count) + LAST);
    expect(statusesIn(answer)).toEqual([...Array<string>(count).fill('503'), '200']);
  });

  it('is told to go on with its body in its turn', async () => {
    const expecting =
      'PUT /v1/kv/line/e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n';
    const { socket, finish } = await sendBehindSlow(expecting);
    expect(server.node.puts).toHaveLength(1);
    finish();
    expect(statusesIn(await readUntil(socket, '100 Continue'))).toEqual(['201', '100']);
    socket.write(`e${LAST}`);
    expect(statusesIn(await readToEnd(socket))).toEqual(['201', '200']);
    expect((await server.client.get('/v1/kv/line/e')).text).toBe('e');
  });

  it('is read no further ahead than a read and some', async () => {
    let seen = 0;
    server.server.on('request', () => (seen += 1));
    const count = 6_000;
    const { socket, finish } = await sendBehindSlow(get('none').repeat(count) + LAST);
    // It had many occasions to read on.
    for (let turn = 0; turn < 50; turn += 1) await server.client.get('/livez');
    expect(seen).toBeLessThan(count / 2);
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toHaveLength(count + 2);
  });
});

describe('a connection that closes', () => {
  it('takes with it what has not begun', async () => {
    const answers = new OpenAnswers(server.server);
    const { socket, finish } = await sendBehindSlow(put('a', 'a').repeat(40));
    socket.destroy();
    await vi.waitFor(async () => {
      const connections = await new Promise((resolve) =>
        server.server.getConnections((_error, count) => resolve(count)),
      );
      // That of the client is left.
      expect(connections).toBe(1);
    });
    finish();
    await vi.waitFor(() => expect(server.admission.inFlight).toBe(0));
    await server.client.get('/livez');
    expect(server.node.recordOf({ bucket: 'line', key: 'slow' })).toBeDefined();
    expect(server.node.recordOf({ bucket: 'line', key: 'a' })).toBeUndefined();
    // Nobody waits for their answers.
    const waited = await Promise.race([answers.sent(60_000).then(() => false), server.client.get('/livez')]);
    expect(waited).toBe(false);
  });

  it('does so when the turn of the next one has come, too', async () => {
    server.server.once('request', (incoming, outgoing) => {
      outgoing.once('close', () => incoming.socket.destroy());
    });
    const entered = vi.spyOn(server.admission, 'enter');
    const { socket, finish } = await sendBehindSlow(put('a', 'a') + get('a'));
    finish();
    expect(statusesIn(await readToEnd(socket))).toEqual(['201']);
    await server.client.get('/livez');
    expect(entered).toHaveBeenCalledTimes(1);
  });

  it('because the node drains does so after an answer that says it', async () => {
    const { socket, finish } = await sendBehindSlow(put('a', 'a') + get('slow'));
    server.admission.drain();
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toEqual(['201']);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(server.node.recordOf({ bucket: 'line', key: 'a' })).toBeUndefined();
  });
});

describe('a malformed request behind a slow one', () => {
  it('is refused in its turn if its target cannot be used', async () => {
    const { socket, finish } = await sendBehindSlow(`GET /v1/kv HTTP/1.1\r\nHost: a/b\r\n\r\n${LAST}`);
    finish();
    expect(statusesIn(await readToEnd(socket))).toEqual(['201', '400', '200']);
  });

  it('does not speak for it, nor for one that waits', async () => {
    const { socket, finish } = await sendBehindSlow(`${put('a', 'a')}\0\0 garbage`);
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toEqual(['201', '201']);
    expect((await server.client.get('/v1/kv/line/a')).text).toBe('a');
  });

  it('gets its own answer, and is never begun, if its body breaks off', async () => {
    const entered = vi.spyOn(server.admission, 'enter');
    const { socket, finish } = await sendBehindSlow(BROKEN);
    finish();
    const answer = await readToEnd(socket);
    expect(entered).toHaveBeenCalledTimes(1);
    expect(statusesIn(answer)).toEqual(['201', '400']);
    const second = answer.slice(answer.indexOf('HTTP/1.1 400'));
    expect(second).toMatch(/^connection: close\r$/im);
    expect(problemInBytes(second)).toMatchObject({ code: 'bad-request', outcome: 'not-applied' });
  });

  it('gets it once, whatever comes after', async () => {
    let errors = 0;
    server.server.on('clientError', () => (errors += 1));
    let listeners = (): number => 0;
    server.server.on('request', ({ url }, outgoing) => {
      if (url === '/v1/kv/line/broken') listeners = () => outgoing.listenerCount('close');
    });
    const { socket, finish } = await sendBehindSlow(BROKEN);
    await vi.waitFor(() => expect(errors).toBe(1));
    const before = listeners();
    socket.write('more');
    await vi.waitFor(() => expect(errors).toBe(2));
    expect(listeners()).toBe(before);
    finish();
    expect(statusesIn(await readToEnd(socket))).toEqual(['201', '400']);
  });

  it('is not begun if its body breaks off in the moment in which its turn comes', async () => {
    const unfinished =
      'DELETE /v1/kv/line/slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n';
    server.server.on('request', (incoming, outgoing) => {
      if (incoming.method !== 'DELETE') return;
      const error = Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_CHUNK_SIZE' });
      outgoing.once('socket', () => server.server.emit('clientError', error, incoming.socket));
    });
    const { socket, finish } = await sendBehindSlow(unfinished);
    finish();
    const answer = await readToEnd(socket);
    expect(statusesIn(answer)).toEqual(['201', '400']);
    expect((await server.client.get('/v1/kv/line/slow')).text).toBe('slow');
  });
});

describe('a connection that is kept', () => {
  it('keeps nothing of the answers that have left', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const answers: WeakRef<ServerResponse>[] = [];
    server.server.on('request', (_incoming, answer) => answers.push(new WeakRef(answer)));
    const socket = await server.client.connect();
    for (const key of ['one', 'two', 'three']) {
      socket.write(put(key, 'value'));
      expect(await readUntil(socket, '\r\n\r\n')).toContain('201 Created');
    }
    await delay(10);
    collectGarbage();
    expect(answers.map((answer) => answer.deref())).toEqual([undefined, undefined, undefined]);
    socket.destroy();
  });
});
