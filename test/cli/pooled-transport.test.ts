import { afterEach, describe, expect, it } from 'vitest';
import { pooledTransport, type PooledTransport } from '../../src/cli/pooled-transport.ts';
import { TransportError } from '../../src/client/transport-error.ts';
import { closedUrl, startFakeNode, type FakeNode } from './fake-node.ts';

const nodes: FakeNode[] = [];
const pools: PooledTransport[] = [];

async function node(...handler: Parameters<typeof startFakeNode>): Promise<FakeNode> {
  const started = await startFakeNode(...handler);
  nodes.push(started);
  return started;
}

function pool(...options: Parameters<typeof pooledTransport>): PooledTransport {
  const started = pooledTransport(...options);
  pools.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((started) => started.close()));
  await Promise.all(nodes.splice(0).map((started) => started.close()));
});

const signal = new AbortController().signal;

describe('a pooled transport', () => {
  it('sends nothing once it is closed, be it before its first call', async () => {
    const { url, requests } = await node(() => ({ status: 204 }));
    const closed = pool();
    await closed.close();
    await expect(closed.transport({ method: 'GET', url, headers: {}, signal })).rejects.toThrow(
      TransportError,
    );
    expect(requests).toEqual([]);
  });

  it('sends method, path, headers and body as they are, and answers with the whole response', async () => {
    const { url, requests } = await node(() => ({
      status: 207,
      headers: { 'x-many': 'a' },
      body: Buffer.from([0, 255]),
    }));
    const response = await pool().transport({
      method: 'PUT',
      url: `${url}/v1/kv/b/%2E%2E/a%2Fb?x=1`,
      headers: { 'Quorate-W': '2' },
      body: Uint8Array.of(1, 2),
      signal,
    });
    expect(requests[0]).toMatchObject({
      method: 'PUT',
      path: '/v1/kv/b/%2E%2E/a%2Fb?x=1',
      headers: { 'quorate-w': '2', 'content-length': '2' },
      body: Buffer.from([1, 2]),
    });
    expect(response.status).toBe(207);
    expect([response.headers.get('X-Many'), response.headers.get('none')]).toEqual(['a', undefined]);
    expect(response.body).toEqual(Uint8Array.of(0, 255));
  });

  it('sends an empty body as one', async () => {
    const { url, requests } = await node(() => ({ status: 204 }));
    await pool().transport({ method: 'PUT', url: `${url}/k`, headers: {}, body: new Uint8Array(), signal });
    expect(requests[0]?.headers['content-length']).toBe('0');
  });

  it('takes a context as long as a node may send it', async () => {
    const context = 'x'.repeat(64 * 1024);
    const { url } = await node(() => ({ status: 200, headers: { 'quorate-context': context } }));
    const response = await pool().transport({ method: 'GET', url: `${url}/k`, headers: {}, signal });
    expect(response.headers.get('Quorate-Context')).toBe(context);
  });

  it('refuses a body above its bound', async () => {
    const { url } = await node(() => ({ status: 200, body: Buffer.alloc(1_001) }));
    const { transport } = pool({ maxResponseBytes: 1_000 });
    await expect(transport({ method: 'GET', url: `${url}/k`, headers: {}, signal })).rejects.toMatchObject({
      name: 'TransportError',
      code: 'bad-response',
      sent: true,
    });
  });

  it('knows what was certainly not sent', async () => {
    const { transport } = pool();
    const gone = `${await closedUrl()}/k`;
    await expect(transport({ method: 'PUT', url: gone, headers: {}, signal })).rejects.toMatchObject({
      sent: false,
      code: 'unreachable',
    });
    const { url } = await node(() => undefined);
    await expect(transport({ method: 'PUT', url: `${url}/k`, headers: {}, signal })).rejects.toMatchObject({
      sent: true,
      code: 'unreachable',
    });
  });

  it('ends a request when its signal fires', async () => {
    const { url } = await node(async () => new Promise(() => {}));
    const controller = new AbortController();
    const request = pool().transport({
      method: 'GET',
      url: `${url}/k`,
      headers: {},
      signal: controller.signal,
    });
    controller.abort();
    await expect(request).rejects.toMatchObject({ name: 'TransportError' });
  });
});
