/** The proxy between nodes is itself put to the test: a fault that it does not make would let every test of faults pass. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readUntil } from '../server/http/http-client.ts';
import { freePorts } from './free-ports.ts';
import { type LinkProxy, startLinkProxy } from './link-proxy.ts';

let echo: Server;
let proxy: LinkProxy;
const sockets: Socket[] = [];
/** Everything that reached the other side. */
let received = '';

beforeEach(async () => {
  received = '';
  const [echoPort, proxyPort] = (await freePorts(2)) as [number, number];
  echo = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString();
      socket.write(bytes);
    });
  });
  echo.listen(echoPort, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startLinkProxy(proxyPort, echoPort);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  echo.close();
  await once(echo, 'close');
});

async function dial(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Resolves when a connection is closed, by a reset or otherwise. */
function endOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Sends a text, and resolves when it has come back. */
async function echoes(socket: Socket, text: string): Promise<void> {
  const returned = readUntil(socket, text);
  socket.write(text);
  await returned;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Long enough for bytes to pass a proxy that does not hold them back. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

it('carries bytes both ways', async () => {
  const socket = await dial();
  await echoes(socket, 'hello');
  const large = 'x'.repeat(3_000_000);
  await echoes(socket, large);
  expect(received).toBe(`hello${large}`);
});

it('stalls what is sent, and delivers it in order when healed', async () => {
  const socket = await dial();
  await echoes(socket, 'before ');
  proxy.there.stall();
  socket.write('one ');
  socket.write('two ');
  await pause();
  expect(received).toBe('before ');
  const returned = readUntil(socket, 'one two ');
  proxy.heal();
  await returned;
  expect(received).toBe('before one two ');
});

it('stalls what comes back, and nothing else', async () => {
  const socket = await dial();
  await echoes(socket, 'before ');
  proxy.back.stall();
  let answered = '';
  const onData = (bytes: Buffer): void => void (answered += bytes.toString());
  socket.on('data', onData);
  socket.write('sent ');
  await until(() => received === 'before sent ');
  await pause();
  expect(answered).toBe('');
  proxy.back.heal();
  await until(() => answered === 'sent ');
});

it('stalls new connections too, and the news of an end', async () => {
  proxy.there.stall();
  const socket = await dial();
  socket.write('hello');
  await pause();
  expect(received).toBe('');
  const other = sockets.find((each) => each !== socket) as Socket;
  let ended = false;
  other.once('close', () => (ended = true));
  socket.destroy();
  await pause();
  expect(ended).toBe(false);
  proxy.heal();
  await until(() => ended);
  expect(received).toBe('hello');
});

it('holds a stalled sender back: it keeps no more than a window', async () => {
  const socket = await dial();
  proxy.there.stall();
  const chunk = Buffer.alloc(256 * 1024);
  // Far more than the proxy and the buffers of the system hold.
  for (let sent = 0; sent < 256; sent += 1) socket.write(chunk);
  await pause();
  expect(socket.writableLength).toBeGreaterThan(0);
});

it('delays by as much as it was told', async () => {
  const socket = await dial();
  proxy.there.delay(150);
  const startedMs = performance.now();
  await echoes(socket, 'late');
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(149);
  proxy.back.delay(150);
  const again = performance.now();
  await echoes(socket, 'later');
  expect(performance.now() - again).toBeGreaterThanOrEqual(298);
});

it('cuts connections, and every new one, until it is healed', async () => {
  const socket = await dial();
  await echoes(socket, 'before ');
  const closed = endOf(socket);
  proxy.cut();
  await closed;
  const refused = connect(proxy.port, '127.0.0.1');
  refused.on('error', () => {});
  await endOf(refused);
  expect(received).toBe('before ');
  proxy.heal();
  await echoes(await dial(), 'after');
});
