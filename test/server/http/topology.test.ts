/** `/v1/ring`, `/v1/cluster`, `/v1/inspect` and `/`: what a node tells of itself and of the others. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PendingHints } from '../../../src/protocol/storage-node.ts';
import type { ClusterBody, InspectBody, RingBody } from '../../../src/api/bodies.ts';
import { configurationEpoch, PLACEMENT_SEED } from '../../../src/codec/hash.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { Incarnation, NodeId, Partition, StoreId } from '../../../src/core/ids.ts';
import { type Ballot, ballotOf } from '../../../src/core/paxos/ballot.ts';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    members: 5,
    buckets: {
      accounts: { n: 3, r: 2, w: 2, mode: 'cas' },
      ['__proto__']: { n: 5, r: 3, w: 3, mode: 'mixed' },
    },
  });
});
afterAll(() => server.close());
afterEach(() => {
  for (const method of Object.keys(server.node.script)) delete server.node.script[method as 'get'];
});

async function json<Body>(target: string): Promise<Body> {
  const answer = await server.client.get(target);
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
  return JSON.parse(answer.text) as Body;
}

describe('/v1/ring', () => {
  it('has for each partition all nodes in order of preference, as indexes', async () => {
    const ring = await json<RingBody>('/v1/ring');
    expect(ring).toMatchObject({
      cluster: 'test',
      epoch: configurationEpoch(server.config),
      partitions: 8,
      hash: { name: 'xxh64', seed: PLACEMENT_SEED },
      defaults: { n: 3, r: 2, w: 2 },
    });
    expect(ring.nodes).toHaveLength(5);
    expect(ring.nodes[1]).toEqual({ id: 'n2', zone: 'z2', url: 'http://127.0.0.1:7002' });
    expect(ring.preferenceLists.map((list) => list.map((index) => ring.nodes[index]?.id))).toEqual(
      server.node.preferenceLists,
    );
  });

  it('has the declared buckets, whatever they are called', async () => {
    const { buckets } = await json<RingBody>('/v1/ring');
    expect(Object.keys(buckets).sort()).toEqual(['__proto__', 'accounts']);
    expect(buckets['accounts']).toEqual({ n: 3, r: 2, w: 2, mode: 'cas' });
  });
});

describe('/v1/cluster', () => {
  it('has the members as this node sees them now', async () => {
    server.node.script.members = () => [
      status('n1', 'self', { incarnation: 'i1' as Incarnation, storeId: 's1' as StoreId }),
      status('n2', 'up', { incarnation: 'i2' as Incarnation, storeId: 's2' as StoreId }),
      status('n3', 'down', {
        reason: 'connection refused',
        hints: { count: 3, bytes: 300, oldestAgeMs: 61_499 },
      }),
    ];
    const cluster = await json<ClusterBody>('/v1/cluster');
    expect(cluster).toMatchObject({
      cluster: 'test',
      epoch: configurationEpoch(server.config),
      node: 'n1',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      defaults: { n: 3, r: 2, w: 2 },
    });
    expect(cluster.members.map(({ id, state }) => [id, state])).toEqual([
      ['n1', 'self'],
      ['n2', 'up'],
      ['n3', 'down'],
      // Nothing is known of these two.
      ['n4', 'down'],
      ['n5', 'down'],
    ]);
    expect(cluster.members[1]).toEqual({
      id: 'n2',
      zone: 'z2',
      url: 'http://127.0.0.1:7002',
      peerAddress: '127.0.0.1:7102',
      state: 'up',
      since: '2024-01-02T00:00:00.000Z',
      storeId: 's2',
      incarnation: 'i2',
    });
    expect(cluster.members[2]).toMatchObject({
      reason: 'connection refused',
      hints: { pending: 3, bytes: 300, oldestAgeSeconds: 61 },
    });
  });

  it('names every limit that a client can meet', async () => {
    expect((await json<ClusterBody>('/v1/cluster')).limits).toMatchObject({
      ...server.config.limits,
      maxKeyBytes: 1024,
      maxBucketCharacters: 64,
      maxWriteIdCharacters: 64,
      maxHeaderBytes: 65_536,
      defaultTimeoutMs: 5000,
      maxTimeoutMs: 60_000,
    });
  });

  it('says what the node has done since it began', async () => {
    expect((await json<ClusterBody>('/v1/cluster')).activity).toEqual({ repairs: 0, conflicts: 0 });
  });
});

describe('/v1/inspect', () => {
  it('shows each replica with its siblings, by size and not by value', async () => {
    await server.client.put('/v1/kv/inspected/k', 'secret', {
      'Content-Type': 'text/plain',
      'Quorate-Write-Id': 'w',
    });
    const target = '/v1/inspect/inspected/k';
    const body = await json<InspectBody>(target);
    const entry = await server.client.get('/v1/kv/inspected/k');
    expect(body).toMatchObject({ bucket: 'inspected', key: 'k', n: 3, agree: true });
    expect(body.preferenceList).toEqual(server.node.preferenceLists[body.partition]);
    expect(body.replicas.map(({ node }) => node)).toEqual(body.preferenceList);
    expect(body.replicas[0]).toEqual({
      node: body.preferenceList[0],
      result: 'found',
      ms: 1,
      digest: 'd1',
      context: entry.headers['quorate-context'],
      etag: entry.headers.etag,
      siblings: [
        {
          id: expect.stringMatching(/^[\w-]{22}\.[0-9a-z]+\.1$/),
          contentType: 'text/plain',
          bytes: 6,
          writtenAt: '2024-01-01T00:00:00.000Z',
          writeId: 'w',
        },
      ],
    });
    expect((await server.client.get(target)).text).not.toContain('secret');
  });

  it('shows a tombstone as deleted', async () => {
    await server.client.put('/v1/kv/inspected/gone');
    await server.client.delete('/v1/kv/inspected/gone');
    const { replicas } = await json<InspectBody>('/v1/inspect/inspected/gone');
    expect(replicas[0]?.siblings).toMatchObject([{ deleted: true, writtenAt: '2024-01-01T00:00:00.000Z' }]);
  });

  it('shows what home replicas keep as voters, in words', async () => {
    const ballot = (timeMs: number, logical: number): Ballot =>
      ballotOf({
        ...{ timeMs, logical, node: 'n2' as NodeId },
        incarnation: 'AAECAwQFBgcICQoLDA0ODw' as Incarnation,
      });
    const [low, high] = [ballot(Date.UTC(2024, 0, 1), 3), ballot(Date.UTC(2024, 0, 2), 0)];
    const none = { promised: undefined, accepted: undefined, chosen: undefined, notVoting: undefined };
    const votes = [
      { ...none, promised: high, accepted: high, chosen: low },
      { ...none, promised: high, accepted: low, chosen: low },
      { ...none, notVoting: 'it has lost something' },
    ];
    server.node.script.inspect = async () => ({
      partition: 0 as Partition,
      preferenceList: ['n1', 'n2', 'n3', 'n4'] as NodeId[],
      n: 4,
      replicas: [...votes, undefined].map((vote, index) => ({
        ...{ node: `n${index + 1}` as NodeId, ms: 1, result: 'absent' as const },
        ...(vote === undefined ? {} : { vote }),
      })),
    });
    const { replicas } = await json<InspectBody>('/v1/inspect/inspected/voted');
    const shownLow = { time: '2024-01-01T00:00:00.000Z', counter: 3, node: 'n2' };
    const shownHigh = { time: '2024-01-02T00:00:00.000Z', counter: 0, node: 'n2' };
    expect(replicas.map(({ vote }) => vote)).toEqual([
      { votes: true, promised: shownHigh, accepted: shownHigh, chosen: shownLow, unfinished: true },
      { votes: true, promised: shownHigh, accepted: shownLow, chosen: shownLow, unfinished: false },
      { votes: false, reason: 'it has lost something', unfinished: false },
      undefined,
    ]);
    delete server.node.script.inspect;
  });

  it('shows what was never written as absent, in agreement', async () => {
    const body = await json<InspectBody>('/v1/inspect/inspected/never');
    expect(body.agree).toBe(true);
    expect(body.replicas[0]).toEqual({ node: body.preferenceList[0], result: 'absent', ms: 1 });
  });

  it.each<[string, readonly ('d1' | 'd2' | 'absent' | 'unreachable' | 'unreadable')[], boolean]>([
    ['all three hold the same', ['d1', 'd1', 'd1'], true],
    ['a fallback holds something else', ['d1', 'd1', 'd1', 'd2'], true],
    ['one holds something else', ['d1', 'd2', 'd1'], false],
    ['one holds nothing', ['d1', 'd1', 'absent'], false],
    ['one does not answer', ['d1', 'd1', 'unreachable'], false],
    ['one cannot read', ['d1', 'd1', 'unreadable'], false],
    ['none answers', ['unreachable', 'unreachable', 'unreachable'], false],
  ])('says whether the home replicas agree: %s', async (_what, views, agree) => {
    await server.client.put('/v1/kv/inspected/agreed');
    const record = server.node.recordOf({ bucket: 'inspected', key: 'agreed' }) as KeyRecord;
    const nodes = ['n1', 'n2', 'n3', 'n4', 'n5'] as NodeId[];
    server.node.script.inspect = async () => ({
      partition: 0 as Partition,
      preferenceList: nodes,
      n: 3,
      replicas: views.map((view, index) => ({
        node: nodes[index] as NodeId,
        ms: 1,
        ...(view === 'd1' || view === 'd2' ? { result: 'found', record, digest: view } : { result: view }),
      })),
    });
    expect((await json<InspectBody>('/v1/inspect/inspected/agreed')).agree).toBe(agree);
  });

  it('refuses what is no key, unknown parameters and headers, and bad deadlines', async () => {
    for (const [target, headers, code] of [
      ['/v1/inspect/b/a/../c', {}, 'invalid-key'],
      ['/v1/inspect/b', {}, 'invalid-key'],
      ['/v1/inspect/a%20b/k', {}, 'invalid-key'],
      ['/v1/inspect/b/k?n=1', {}, 'bad-request'],
      ['/v1/inspect/b/k', { 'Quorate-Timeout-Ms': '0' }, 'bad-request'],
    ] as const) {
      const answer = await server.client.get(target, headers);
      expect([answer.status, problemIn(answer).code], target).toEqual([400, code]);
    }
  });
});

describe('/', () => {
  it('is a help text with commands that can be copied', async () => {
    const answer = await server.client.get('/');
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.text).toContain('curl -X PUT http://127.0.0.1:7001/v1/kv/');
    for (const path of [
      '/v1/inspect/',
      '/v1/ring',
      '/v1/cluster',
      '/livez',
      '/readyz',
      '/metrics',
      '/openapi.json',
    ]) {
      expect(answer.text).toContain(path);
    }
  });
});

function status(
  node: string,
  state: 'self' | 'up' | 'down',
  more: { storeId?: StoreId; incarnation?: Incarnation; reason?: string; hints?: PendingHints } = {},
): ReturnType<TestServer['node']['members']>[number] {
  return {
    node: node as NodeId,
    state,
    sinceMs: Date.UTC(2024, 0, 2),
    storeId: undefined,
    incarnation: undefined,
    reason: undefined,
    hints: undefined,
    ...more,
  };
}
