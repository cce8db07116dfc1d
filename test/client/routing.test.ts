import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TransportError, connect } from '../../src/client/index.ts';
import type { ConnectOptions, RingBody, TransportRequest } from '../../src/client/index.ts';
import { foundAnswer, problemAnswer, scripted, writtenAnswer } from './scripted-transport.ts';
import type { ScriptedAnswer } from './scripted-transport.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A ring whose every partition has the named nodes in this order of preference. */
function ringOf(ids: readonly string[], n = 3): RingBody {
  return {
    cluster: 'local',
    epoch: 'e',
    partitions: 1,
    hash: { name: 'xxh64', seed: 0 },
    nodes: ids.map((id) => ({ id, zone: 'z', url: `http://${id}:1` })),
    defaults: { n, r: 2, w: 2 },
    buckets: {},
    preferenceLists: [ids.map((_id, index) => index)],
  };
}

const refused = new TransportError('connect ECONNREFUSED', { sent: false });
type Fate = ScriptedAnswer | Error | 'hang';

/** A client whose nodes answer well unless `fates` says otherwise, and which has learnt the ring. */
async function routed(
  ring: () => unknown,
  fates: Record<string, Fate> = {},
  options: Partial<ConnectOptions> = {},
) {
  let fetches = 0;
  const { transport, requests } = scripted(
    ({ url, method }) => {
      const fate = fates[new URL(url).hostname];
      return fate ?? (method === 'GET' ? foundAnswer(1) : writtenAnswer());
    },
    () => {
      fetches += 1;
      return ring();
    },
  );
  const client = connect({ nodes: ['http://seed:1'], transport, ...options });
  const bucket = client.bucket('b');
  await bucket.get('k');
  await vi.advanceTimersByTimeAsync(0);
  requests.splice(0);
  return { bucket, requests, fates, fetches: () => fetches };
}

const hosts = (requests: readonly TransportRequest[]): string[] =>
  requests.map(({ url }) => new URL(url).hostname);

describe('with a ring', () => {
  test('writes go to the first home replica, reads to the home replicas in turn', async () => {
    const { bucket, requests } = await routed(() => ringOf(['n1', 'n2', 'n3', 'n4', 'n5']));
    for (let count = 0; count < 3; count += 1) await bucket.putBlind('k', 1);
    for (let count = 0; count < 6; count += 1) await bucket.get('k');
    expect(hosts(requests).slice(0, 3)).toEqual(['n1', 'n1', 'n1']);
    expect(hosts(requests).slice(3).toSorted()).toEqual(['n1', 'n1', 'n2', 'n2', 'n3', 'n3']);
  });

  test('the N of the call decides who is a home replica', async () => {
    const { bucket, requests } = await routed(() => ringOf(['n1', 'n2', 'n3']));
    for (let count = 0; count < 4; count += 1) await bucket.get('k', { n: 1 });
    expect(hosts(requests)).toEqual(['n1', 'n1', 'n1', 'n1']);
  });

  test('one home replica after the other is asked, then any node', async () => {
    const { bucket, requests, fates } = await routed(() => ringOf(['n1', 'n2', 'n3', 'n4']));
    // Each has answered once, so that it is known to be reachable.
    for (let count = 0; count < 4; count += 1) await bucket.get('k', { n: 4 });
    Object.assign(fates, { n1: refused, n2: refused, n3: refused, n4: refused });
    requests.splice(0);
    expect(await bucket.putBlind('k', 1)).toMatchObject({ type: 'written' });
    expect(hosts(requests).slice(0, 3)).toEqual(['n1', 'n2', 'n3']);
    expect(hosts(requests).at(-1)).toBe('seed');
  });

  test('a node that hangs costs one call a part of its time, and later calls nothing', async () => {
    const { bucket, requests, fates } = await routed(() => ringOf(['n1', 'n2', 'n3']));
    await bucket.putBlind('k', 1);
    fates['n1'] = 'hang';
    requests.splice(0);
    const writing = bucket.putBlind('k', 1, { timeoutMs: 4_000 });
    await vi.advanceTimersByTimeAsync(2_101);
    expect(await writing).toMatchObject({ type: 'written' });
    expect(await bucket.putBlind('k', 1)).toMatchObject({ type: 'written' });
    expect(hosts(requests)).toEqual(['n1', 'n2', 'n2']);
  });

  test('addresses that cannot be reached from here are found out together, and the seeds serve', async () => {
    const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const fates = Object.fromEntries(ids.map((id) => [id, 'hang' as const]));
    const { bucket, requests } = await routed(() => ringOf(ids), fates);
    const writing = bucket.putBlind('k', 1, { timeoutMs: 10_000 });
    await vi.advanceTimersByTimeAsync(1_101);
    expect(await writing).toMatchObject({ type: 'written' });
    expect(hosts(requests)).toEqual(['n1', 'seed']);
  });

  test('a node that is back is asked first again', async () => {
    const { bucket, requests, fates } = await routed(() => ringOf(['n1', 'n2', 'n3']));
    await bucket.putBlind('k', 1);
    fates['n1'] = refused;
    await bucket.putBlind('k', 1);
    delete fates['n1'];
    await bucket.putBlind('k', 1);
    await vi.advanceTimersByTimeAsync(300);
    await bucket.putBlind('k', 1);
    expect(hosts(requests)).toEqual(['n1', 'n1', 'n2', 'n2', 'n1']);
  });
});

describe('the ring', () => {
  test('is fetched once, and again when it is old', async () => {
    const { bucket, fetches } = await routed(() => ringOf(['n1']));
    for (let count = 0; count < 20; count += 1) await bucket.get('k');
    expect(fetches()).toBe(1);
    await vi.advanceTimersByTimeAsync(61_000);
    await bucket.get('k');
    await vi.advanceTimersByTimeAsync(0);
    expect(fetches()).toBe(2);
  });

  test('is doubted when a node fails, and calls follow the new one', async () => {
    let ids = ['n1', 'n2', 'n3'];
    const { bucket, requests, fates, fetches } = await routed(() => ringOf(ids));
    await bucket.putBlind('k', 1);
    fates['n1'] = refused;
    ids = ['n9', 'n2', 'n3'];
    await vi.advanceTimersByTimeAsync(2_000);
    await bucket.putBlind('k', 1);
    await bucket.putBlind('k', 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(fetches()).toBe(2);
    requests.splice(0);
    await bucket.putBlind('k', 1);
    expect(hosts(requests)).toEqual(['n9']);
  });

  test('that fails to come is not asked for with every call', async () => {
    let attempts = 0;
    const { bucket, requests } = await routed(() => {
      attempts += 1;
      return { cluster: 'of another kind' };
    });
    for (let count = 0; count < 50; count += 1) await bucket.get('k');
    expect(attempts).toBe(1);
    await vi.advanceTimersByTimeAsync(1_100);
    await bucket.get('k');
    await vi.advanceTimersByTimeAsync(0);
    expect(attempts).toBe(2);
    expect(new Set(hosts(requests))).toEqual(new Set(['seed']));
  });

  test('is never waited for', async () => {
    const { transport } = scripted(() => foundAnswer(1));
    const client = connect({
      nodes: ['http://a:1'],
      transport: async (request) =>
        request.url.endsWith('/v1/ring') ? new Promise(() => {}) : transport(request),
    });
    expect(await client.bucket('b').get('k')).toMatchObject({ value: 1 });
    // Nor does its request outlive its own deadline.
    await vi.advanceTimersByTimeAsync(2_200);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not asked for with round-robin', async () => {
    const { bucket, requests, fetches } = await routed(
      () => ringOf(['n1']),
      {},
      {
        nodes: ['http://s1:1', 'http://s2:1'],
        routing: 'round-robin',
      },
    );
    for (let count = 0; count < 4; count += 1) await bucket.putBlind('k', 1);
    expect(fetches()).toBe(0);
    expect(hosts(requests).toSorted()).toEqual(['s1', 's1', 's2', 's2']);
  });

  test('does not send a token in the clear when all seeds are encrypted', async () => {
    const { bucket, requests } = await routed(
      () => ringOf(['n1', 'n2']),
      {},
      {
        nodes: ['https://seed:1'],
        token: 't',
      },
    );
    for (let count = 0; count < 4; count += 1) await bucket.get('k');
    expect(new Set(requests.map(({ url }) => new URL(url).origin))).toEqual(new Set(['https://seed:1']));
  });
});

test.each([
  ['quorum-unavailable', 503],
  ['quorum-timeout', 504],
])(
  'a node that is cut off from its peers (%s) costs one call a detour, and later calls nothing',
  async (code, status) => {
    const { bucket, requests, fates } = await routed(() => ringOf(['n1', 'n2', 'n3']));
    await bucket.putBlind('k', 1);
    fates['n1'] = problemAnswer(status, code, { retryAfterMs: 1_000 });
    requests.splice(0);
    expect(await bucket.putBlind('k', 1)).toMatchObject({ type: 'written' });
    expect(await bucket.putBlind('k', 1)).toMatchObject({ type: 'written' });
    expect(hosts(requests)).toEqual(['n1', 'n2', 'n2']);
  },
);

test('where no node finds a quorum, each is asked once before the call pauses', async () => {
  const short = problemAnswer(503, 'quorum-unavailable', { retryAfterMs: 1_000 });
  const { bucket, requests, fates } = await routed(() => ringOf(['n1', 'n2']));
  // Both have answered once, so that each is known to be reachable.
  await bucket.get('k');
  await bucket.get('k');
  Object.assign(fates, { n1: short, n2: short, seed: short });
  requests.splice(0);
  const writing = bucket.putBlind('k', 1, { timeoutMs: 1_500 }).catch((thrown: unknown) => thrown);
  await vi.advanceTimersByTimeAsync(900);
  expect(hosts(requests).toSorted()).toEqual(['n1', 'n2', 'seed']);
  await vi.advanceTimersByTimeAsync(700);
  expect(await writing).toMatchObject({ code: 'quorum-unavailable', outcome: 'not-applied' });
  expect(requests.length).toBeGreaterThan(3);
});
