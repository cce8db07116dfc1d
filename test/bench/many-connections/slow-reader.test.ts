/** A slow reader against a server of its own: it asks for much, reads little, and asks again for what it has read. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PIPELINED, SlowReader } from '../../../bench/many-connections/slow-reader.ts';

const VALUE = Buffer.alloc(1_000, 'v');

let server: Server;
let url: string;
let asked: number;

beforeEach(async () => {
  asked = 0;
  server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(200, { 'Content-Length': VALUE.length }).end(VALUE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it('asks for as many answers as it has read', async () => {
  const reader = new SlowReader(url, '/v', { type: 'stop', ms: 20 });
  try {
    await vi.waitFor(() => expect(asked).toBeGreaterThan(2 * PIPELINED));
    const { answers, bytes, closed } = reader.seen;
    expect(asked).toBeLessThanOrEqual(answers + 2 * PIPELINED);
    expect(bytes).toBeGreaterThanOrEqual((answers - 1) * VALUE.length);
    expect(closed).toBe(0);
  } finally {
    reader.end();
  }
});

it('reads no more than its pace allows', async () => {
  const reader = new SlowReader(url, '/v', { type: 'trickle', bytesPerSecond: 400 });
  try {
    await vi.waitFor(() => expect(reader.seen.bytes).toBeGreaterThan(0));
    expect(reader.seen.bytes % 100).toBe(0);
    expect(asked).toBeLessThanOrEqual(PIPELINED + reader.seen.answers);
  } finally {
    reader.end();
  }
});

it('comes back when it was thrown out', async () => {
  const reader = new SlowReader(url, '/v', { type: 'stop', ms: 10 });
  try {
    await vi.waitFor(() => expect(reader.seen.answers).toBeGreaterThan(0));
    server.closeAllConnections();
    await vi.waitFor(() => expect(reader.seen.closed).toBe(1), { timeout: 5_000 });
    const before = asked;
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before), { timeout: 5_000 });
  } finally {
    reader.end();
  }
});
