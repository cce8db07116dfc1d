/** Connections of the open-loop generator, to a real server. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Target } from '../../../bench/load/open-loop-connections.ts';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
const RUNNING = { dueMs: 0, isMeasured: true };

let server: Server;
let connections = 0;
let statuses: (number | undefined)[];
let target: Target;

beforeEach(async () => {
  connections = 0;
  statuses = [];
  server = createServer((_request, response) => response.writeHead(201, { 'Content-Length': 2 }).end('ok'));
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  target = new Target(`http://127.0.0.1:${port}`, 5, (_running, status) => statuses.push(status));
});
afterEach(() => {
  target.close();
  server.close();
});

it('are opened before they are needed, and used again', async () => {
  await target.open(3);
  await vi.waitFor(() => expect(connections).toBe(3));
  for (let round = 1; round <= 2; round += 1) {
    for (let sent = 0; sent < 3; sent += 1) expect(target.send(REQUEST, RUNNING)).toBe(true);
    await vi.waitFor(() => expect(statuses).toHaveLength(3 * round));
  }
  expect(new Set(statuses)).toEqual(new Set([201]));
  expect(connections).toBe(3);
});

it('are opened as needed up to their bound', async () => {
  await target.open(3);
  const sent = Array.from({ length: 6 }, () => target.send(REQUEST, RUNNING));
  expect(sent).toEqual([true, true, true, true, true, false]);
  await vi.waitFor(() => expect(statuses).toHaveLength(5));
  expect(connections).toBe(5);
});

it('tell of a request whose connection broke', async () => {
  await target.open(1);
  server.removeAllListeners('request').on('request', (request) => request.socket.destroy());
  target.send(REQUEST, RUNNING);
  await vi.waitFor(() => expect(statuses).toEqual([undefined]));
});
