/** The composition root: what it opens, what it closes again, and how a server ends. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLevelStorage } from '../../src/adapters/level-storage.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { parseConfiguration } from '../../src/server/config-file.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/start.ts';
import { StartFailure } from '../../src/server/start-failure.ts';
import { freePorts } from '../cluster/free-ports.ts';
import { HttpClient, problemIn, problemInBytes, readToEnd, readUntil } from './http/http-client.ts';

const TARGET = '/v1/kv/b/k';

let directory: string;
let httpPort: number;
let peerPort: number;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-start-'));
  [httpPort = 0, peerPort = 0] = await freePorts(2);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await rm(directory, { recursive: true });
});

/** Options for a cluster of one node whose drain is quick; the log goes to `logged`. */
function optionsFor(changes: object = {}): ServerOptions & { readonly logged: Record<string, unknown>[] } {
  const node = { id: 'n1', host: '127.0.0.1', httpPort, peerPort };
  const text = JSON.stringify({ cluster: 'test', partitions: 8, nodes: [node], ...changes });
  const result = parseConfiguration(text, { file: join(directory, 'cluster.config.json'), environment: {} });
  if (result.type === 'invalid') throw new Error(JSON.stringify(result.problems));
  const logged: Record<string, unknown>[] = [];
  return {
    nodeId: 'n1',
    config: result.config,
    settings: result.settings,
    onFatal: (reason) => {
      throw reason;
    },
    logDestination: { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
    drainTimes: { graceMs: 5_000, noticeMs: 0 },
    logged,
  };
}

async function start(options: ServerOptions): Promise<RunningServer> {
  const server = await startServer(options);
  cleanups.push(() => server.stop().catch(() => undefined));
  return server;
}

function clientOf(port: number): HttpClient {
  const client = new HttpClient(port);
  cleanups.push(() => client.close());
  return client;
}

async function refusal(options: ServerOptions): Promise<StartFailure> {
  const error: unknown = await startServer(options).then(
    (server) => server.stop(),
    (reason: unknown) => reason,
  );
  if (!(error instanceof StartFailure)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

async function occupy(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return server;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Sends the head of a PUT and a part of its body, and waits until the node has begun to work on it. */
async function beginSlowPut(client: HttpClient): Promise<Socket> {
  const socket = await client.connect();
  socket.write(
    `PUT ${TARGET} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nab`,
  );
  for (;;) {
    const { text } = await client.get('/metrics');
    if (/^quorate_http_requests_in_flight\{.*\} 1$/m.test(text)) return socket;
  }
}

/** Real storage, parts of which a test does otherwise. */
function storageWith(changes: (storage: Storage) => Partial<Storage>): Pick<ServerOptions, 'parts'> {
  return {
    parts: {
      openStorage: async (options) => {
        const storage = await openLevelStorage(options);
        const real: Storage = {
          get: (key) => storage.get(key),
          range: (range) => storage.range(range),
          write: (batch, how) => storage.write(batch, how),
          freeSpaceBytes: () => storage.freeSpaceBytes(),
          close: () => storage.close(),
        };
        return { ...real, ...changes(storage) };
      },
    },
  };
}

describe('a server', () => {
  it('serves, stops, and finds its data again', async () => {
    const options = optionsFor();
    const server = await start(options);
    expect(server.url).toBe(`http://127.0.0.1:${httpPort}`);
    expect(options.logged).toContainEqual(
      expect.objectContaining({ code: 'serving', node: 'n1', url: server.url }),
    );
    const client = clientOf(httpPort);
    expect((await client.get('/readyz')).status).toBe(200);
    expect((await client.put(TARGET, 'kept', { 'content-type': 'text/plain' })).status).toBe(201);
    await server.stop();
    expect(await isListening(httpPort)).toBe(false);
    expect(await isListening(peerPort)).toBe(false);

    await start(optionsFor());
    expect((await clientOf(httpPort).get(TARGET)).text).toBe('kept');
  });

  it('stops once, however often it is asked', async () => {
    const server = await start(optionsFor());
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(await isListening(httpPort)).toBe(false);
  });

  it('refuses what is new while it drains, finishes what runs, and tells connections to close', async () => {
    const options = { ...optionsFor(), drainTimes: { graceMs: 20_000, noticeMs: 0 } };
    const server = await start(options);
    const client = clientOf(httpPort);
    const slow = await beginSlowPut(client);
    const kept = await client.connect();
    kept.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await readUntil(kept, '}\n')).toContain('Connection: keep-alive');

    const stopped = server.stop();
    kept.write(`GET ${TARGET} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const refused = await readToEnd(kept);
    expect(refused).toMatch(/^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n/);
    expect(problemInBytes(refused)).toMatchObject({ code: 'draining', outcome: 'not-applied' });
    const ready = await client.get('/readyz');
    expect([ready.status, ready.headers.connection]).toEqual([503, 'close']);

    slow.write('cd');
    expect(await readToEnd(slow)).toMatch(/^HTTP\/1\.1 201 /);
    await stopped;
    await start(optionsFor());
    expect((await clientOf(httpPort).get(TARGET)).text).toBe('abcd');
  });

  it('says before its end how many requests it refused for overload', async () => {
    const options = optionsFor({ limits: { maxOperationsInFlight: 1 } });
    const server = await start(options);
    const client = clientOf(httpPort);
    const slow = await beginSlowPut(client);
    // By the two ways on which requests on entries come.
    for (const target of [TARGET, `http://localhost${TARGET}`])
      expect(problemIn(await client.get(target))).toMatchObject({ code: 'overloaded' });
    const stopped = server.stop();
    slow.write('cd');
    await stopped;
    const linesOf = (code: string) => options.logged.filter((line) => line['code'] === code);
    const ends = linesOf('overload-over');
    // Two, if this machine stood still between the refusals.
    expect(ends).toHaveLength(linesOf('overloaded').length);
    expect(ends.reduce((sum, { refused }) => sum + Number(refused), 0)).toBe(2);
    expect(options.logged.at(-1)).toMatchObject({ code: 'stopped' });
  });

  it('lets a slow reader have the whole of its answer', async () => {
    const bytes = 16 * 1024 * 1024;
    const limits = { maxValueBytes: bytes, maxRecordBytes: bytes };
    const options = { ...optionsFor({ limits }), drainTimes: { graceMs: 30_000, noticeMs: 0 } };
    const server = await start(options);
    const client = clientOf(httpPort);
    expect((await client.put(TARGET, Buffer.alloc(bytes, 'x'))).status).toBe(201);
    const slow = await client.connect();
    slow.write(`GET ${TARGET} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(slow, 'readable');

    const stopped = server.stop();
    await client.get('/readyz').catch(() => undefined);
    // Long enough for whoever closes idle connections to take this one for idle.
    await delay(200);
    const answer = await readToEnd(slow);
    expect(answer.length).toBeGreaterThan(bytes);
    await stopped;
  });

  it('does not wait for a client longer than its grace', async () => {
    const server = await start({ ...optionsFor(), drainTimes: { graceMs: 50, noticeMs: 0 } });
    const slow = await beginSlowPut(clientOf(httpPort));
    const answer = readToEnd(slow);
    await server.stop();
    expect(await answer).toBe('');
  });

  it('goes on telling clients to go for a while when nothing runs', async () => {
    const server = await start({ ...optionsFor(), drainTimes: { graceMs: 20_000, noticeMs: 1_000 } });
    const client = clientOf(httpPort);
    expect((await client.get('/readyz')).status).toBe(200);
    const stopped = server.stop();
    expect(problemIn(await client.put(TARGET))).toMatchObject({ code: 'draining' });
    await stopped;
  });
});

describe('a start that fails leaves nothing open:', () => {
  it.each(['HTTP', 'peer'] as const)('a busy %s port', async (which) => {
    const port = which === 'HTTP' ? httpPort : peerPort;
    const occupant = await occupy(port);
    const failure = await refusal(optionsFor());
    expect(failure).toMatchObject({ kind: 'address', code: 'address-unavailable' });
    expect(failure.message).toContain(`Cannot listen on 127.0.0.1:${port}: the port is in use. Stop `);
    expect(await isListening(which === 'HTTP' ? peerPort : httpPort)).toBe(false);
    occupant.close();
    await once(occupant, 'close');
    await start(optionsFor());
    expect((await clientOf(httpPort).get('/readyz')).status).toBe(200);
  });

  it('an address of another machine', async () => {
    const node = { id: 'n1', host: '127.0.0.1', bind: '192.0.2.1', httpPort, peerPort };
    const failure = await refusal(optionsFor({ nodes: [node] }));
    expect(failure).toMatchObject({ kind: 'address' });
    expect(failure.message).toContain('no such address');
  });

  it('a data directory in use', async () => {
    await start(optionsFor());
    const failure = await refusal(optionsFor());
    expect(failure).toMatchObject({ kind: 'configuration', code: 'data-directory-locked' });
    expect(failure.message).toContain(join(directory, 'data', 'n1'));
    expect((await clientOf(httpPort).put(TARGET)).status).toBe(201);
  });

  it('the data of another cluster, and of other placement', async () => {
    await (await start(optionsFor())).stop();
    const foreign = await refusal(optionsFor({ cluster: 'other' }));
    expect(foreign).toMatchObject({ kind: 'configuration', code: 'foreign-store' });
    expect(foreign.message).toContain(join(directory, 'data', 'n1'));
    const changed = await refusal(optionsFor({ partitions: 16 }));
    expect(changed).toMatchObject({ kind: 'configuration', code: 'configuration-changed' });
    expect(changed.message).toContain('partitions: 8, now 16');
    await start(optionsFor());
  });

  it('a directory that holds something else', async () => {
    const occupied = join(directory, 'data', 'n1');
    await mkdir(occupied, { recursive: true });
    await writeFile(join(occupied, 'photo.jpg'), '');
    const failure = await refusal(optionsFor());
    expect(failure).toMatchObject({ kind: 'configuration', code: 'data-directory-occupied' });
    expect(failure.message).toContain('"photo.jpg"');
    await rm(join(occupied, 'photo.jpg'));
    await start(optionsFor());
  });

  it('a file in the place of the directory', async () => {
    await writeFile(join(directory, 'data'), '');
    expect(await refusal(optionsFor())).toMatchObject({
      kind: 'configuration',
      code: 'data-directory-unusable',
    });
  });

  it('a bug, which is passed on as it is', async () => {
    const parts = {
      startNode: () => Promise.reject(new TypeError('not a function')),
    };
    await expect(startServer({ ...optionsFor(), parts })).rejects.toThrow(TypeError);
    await start(optionsFor());
  });
});

it('tells the node what its operator wants of its votes', async () => {
  const told: unknown[] = [];
  const parts: ServerOptions['parts'] = {
    startNode: ({ votesAfterLoss, votesWithout }) => {
      told.push({ votesAfterLoss, votesWithout });
      return Promise.reject(new TypeError('enough'));
    },
  };
  const votesWithout = ['n1', 'n7'];
  await expect(startServer({ ...optionsFor(), parts })).rejects.toThrow('enough');
  await expect(startServer({ ...optionsFor(), parts, votesAfterLoss: true, votesWithout })).rejects.toThrow(
    'enough',
  );
  expect(told).toEqual([
    { votesAfterLoss: false, votesWithout: new Set() },
    { votesAfterLoss: true, votesWithout: new Set(['n1']) },
  ]);
});

describe('a directory is taken', () => {
  it('with what a store that was being created left, and with what file systems put into it', async () => {
    const own = join(directory, 'data', 'n1');
    await mkdir(join(own, 'lost+found'), { recursive: true });
    for (const name of ['LOCK', 'LOG', 'MANIFEST-000001', '.snapshot']) await writeFile(join(own, name), '');
    await start(optionsFor());
    expect((await clientOf(httpPort).put(TARGET)).status).toBe(201);
  });
});

describe('the disk', () => {
  it('that fails stops the node: it is told once, and no write is acknowledged', async () => {
    const state = { isBroken: false };
    const storage = storageWith((real) => ({
      write: (batch, how) =>
        state.isBroken ? Promise.reject(new Error('input/output error')) : real.write(batch, how),
    }));
    const fatal: Error[] = [];
    const options = { ...optionsFor(), ...storage, onFatal: (reason: Error) => void fatal.push(reason) };
    await start(options);
    const client = clientOf(httpPort);
    expect((await client.put(TARGET)).status).toBe(201);
    state.isBroken = true;
    const answers = await Promise.all([client.put(TARGET), client.put(TARGET)]);
    for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(500);
    // One that comes when the store has failed already is not even tried.
    expect(answers.map((answer) => problemIn(answer).outcome)).toContain('unknown');
    expect(fatal.map(({ message }) => message)).toEqual([expect.stringContaining('input/output error')]);
    expect(options.logged.filter(({ level }) => level === 60)).toEqual([
      expect.objectContaining({ code: 'node-failed' }),
    ]);
  });

  it('that is nearly full refuses writes and allows reads, from the start', async () => {
    const options = {
      ...optionsFor({ storage: { reserveBytes: 1_000 } }),
      ...storageWith(() => ({ freeSpaceBytes: async () => 999 })),
    };
    await start(options);
    const client = clientOf(httpPort);
    expect(problemIn(await client.put(TARGET))).toMatchObject({
      status: 507,
      code: 'no-space',
      outcome: 'not-applied',
    });
    expect((await client.get(TARGET)).status).toBe(404);
    expect((await client.get('/readyz')).status).toBe(503);
    expect((await client.get('/metrics')).text).toMatch(/^quorate_storage_free_bytes\{node="n1"\} 999$/m);
    expect(options.logged).toContainEqual(expect.objectContaining({ code: 'space-low', freeBytes: 999 }));
  });
});
