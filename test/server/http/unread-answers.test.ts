/** Clients that ask for large values and do not read them. */
import type { Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { problemIn } from './http-client.ts';
import { startTestServer } from './test-server.ts';

const VALUE_BYTES = 15 * 1024 * 1024;
/** More of these than are kept, whatever the operating system takes of each. */
const READERS = 30;

it('are kept so many answers, then nothing more is begun until they have read or gone', async () => {
  const server = await startTestServer({ limits: { maxValueBytes: VALUE_BYTES } });
  const { client, node } = server;
  await client.put('/v1/kv/unread/large', Buffer.alloc(VALUE_BYTES, 'v'));
  const readers: Socket[] = [];
  for (let reader = 0; reader < READERS; reader += 1) {
    const socket = await client.connect();
    socket.pause();
    socket.write('GET /v1/kv/unread/large HTTP/1.1\r\nHost: a\r\n\r\n');
    readers.push(socket);
    // It is parsed before a request that was sent after it is answered.
    await client.get('/livez');
  }
  expect(node.reads.length).toBeGreaterThan(10);
  expect(node.reads.length).toBeLessThan(READERS);
  const refused = await client.get('/v1/kv/unread/other');
  expect(problemIn(refused)).toMatchObject({ status: 503, code: 'overloaded', outcome: 'not-applied' });
  expect(problemIn(refused).detail).toMatch(/^\d+ MB of answers wait on this node for clients/);
  expect((await client.get('/livez')).status).toBe(200);
  for (const socket of readers) socket.destroy();
  await vi.waitFor(async () => expect((await client.get('/v1/kv/unread/other')).status).toBe(404));
  await server.close();
});

it('are not counted for what they did not wait for', async () => {
  const server = await startTestServer({ limits: { maxValueBytes: VALUE_BYTES } });
  const { client, node } = server;
  await client.put('/v1/kv/unread/large', Buffer.alloc(VALUE_BYTES, 'v'));
  for (let reader = 0; reader < READERS; reader += 1) {
    let finish = (): void => {};
    node.script.get = async (request) => {
      delete node.script.get;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return node.get(request);
    };
    const closed = new Promise((resolve) =>
      server.server.once('request', (_incoming, outgoing) => outgoing.once('close', resolve)),
    );
    const socket = await client.connect();
    socket.write('GET /v1/kv/unread/large HTTP/1.1\r\nHost: a\r\n\r\n');
    await vi.waitFor(() => expect(server.admission.inFlight).toBe(1));
    socket.destroy();
    await closed;
    finish();
    await vi.waitFor(() => expect(server.admission.inFlight).toBe(0));
  }
  expect((await client.get('/v1/kv/unread/other')).status).toBe(404);
  await server.close();
});
