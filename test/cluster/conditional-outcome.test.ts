/** What becomes of a write whose outcome is unknown, as clients of real nodes can find out: by its id, through any node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bucket, connect, QuorateError } from '../../src/client/index.ts';
import { runCommand } from '../cli/fake-terminal.ts';
import { problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const CREATE = { 'If-None-Match': '*' };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const LINEARIZABLE = { 'Quorate-Consistency': 'linearizable' };

let cluster: ProcessCluster;
let keys: PlacedKeys;
let notes: Bucket<string>;
/** Of mode `cas`. */
let swapped: Bucket<string>;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5, config: { buckets: { swapped: { mode: 'cas' } } } });
  keys = await PlacedKeys.of(cluster);
  const client = connect({ nodes: cluster.nodes.map((node) => cluster.url(node)) });
  notes = client.bucket<string>('notes');
  swapped = client.bucket<string>('swapped');
});
afterAll(() => cluster?.close());

const outcomePath = (key: string, id: string): string => `/v1/outcome/notes/${key}?writeId=${id}`;

/** What every node says of a write. */
async function everywhere(key: string, id: string): Promise<readonly unknown[]> {
  const states: unknown[] = [];
  for (const node of cluster.nodes) {
    const answer = await cluster.client(node).get(outcomePath(key, id));
    expect([node, answer.status]).toEqual([node, 200]);
    const body = JSON.parse(answer.text) as Record<string, unknown>;
    expect(body).toMatchObject({ bucket: 'notes', key, writeId: id });
    states.push(body['state']);
  }
  return [...new Set(states)];
}

describe('the outcome of a write', () => {
  it('is applied, then superseded, with the ETag that it was answered', async () => {
    const { key, target } = keys.draw('notes');
    const created = await notes.create(key, 'one', { writeId: 'w1' });
    if (!created.ok) throw new Error('lost');
    expect(await everywhere(key, 'w1')).toEqual(['applied']);
    expect(await notes.outcome(key, 'w1')).toEqual({ state: 'applied', etag: created.etag, writeId: 'w1' });
    // To ask changes nothing that was there.
    expect((await cluster.client('n1').get(target, LINEARIZABLE)).headers.etag).toBe(created.etag);
    await notes.cas(key, 'two', { if: created });
    expect(await everywhere(key, 'w1')).toEqual(['superseded']);
    expect(await notes.outcome(key, 'w1')).toMatchObject({ etag: created.etag });
  });

  it('that was never applied is so for good: an attempt that comes later does nothing', async () => {
    const { key, target } = keys.draw('notes');
    expect(await everywhere(key, 'late')).toEqual(['never-applied']);
    for (const attempt of [{}, { 'Quorate-Attempt': '1' }]) {
      const late = await cluster
        .client('n2')
        .put(target, 'v', { ...CREATE, ...attempt, 'Quorate-Write-Id': 'late' });
      expect(late.status).toBe(412);
      expect(problemIn(late)).toMatchObject({ code: 'precondition-failed', outcome: 'not-applied' });
    }
    expect((await cluster.client('n3').get(target, LINEARIZABLE)).status).toBe(404);
    // Another write is another one, and a key that only holds a refusal can be created.
    expect((await cluster.client('n4').put(target, 'v', CREATE)).status).toBe(201);
    expect(await everywhere(key, 'late')).toEqual(['never-applied']);
  });

  it('of a write that lost the race is never-applied', async () => {
    const { key } = keys.draw('notes');
    await notes.create(key, 'one');
    expect(await notes.create(key, 'two', { writeId: 'lost' })).toMatchObject({ ok: false });
    expect(await notes.outcome(key, 'lost')).toMatchObject({ state: 'never-applied' });
  });

  it('of a plain write is told, too', async () => {
    const { key } = keys.draw('notes');
    const plain = await notes.putBlind(key, 'one', { writeId: 'plain', consistency: 'all' });
    expect(await notes.outcome(key, 'plain')).toMatchObject({ state: 'applied' });
    await notes.put(key, 'two', { context: plain, consistency: 'all' });
    expect(await notes.outcome(key, 'plain')).toMatchObject({ state: 'superseded' });
  });

  it('is too old to know when the key has forgotten the id', async () => {
    const { key } = keys.draw('notes');
    let last = await notes.create(key, '0', { writeId: 'ancient' });
    for (let index = 1; index <= 70 && last.ok; index += 1)
      last = await notes.cas(key, `${index}`, { if: last });
    expect(last.ok).toBe(true);
    expect(await everywhere(key, 'ancient')).toEqual(['too-old']);
  });

  it('that was unknown is settled by the id in the 504, also if the client gave none', async () => {
    const { key, target, homes } = keys.draw('swapped');
    const [first = '', ...others] = homes;
    const created = await cluster.client(first).put(target, '"one"', { ...JSON_TYPE, ...CREATE });
    // The create has brought the promises for this one: so it is sent to be accepted at once, and nobody answers.
    for (const node of others) cluster.stop(node);
    let id = '';
    try {
      const ifMatch = { 'If-Match': created.headers.etag as string, 'Quorate-Timeout-Ms': '700' };
      const put = await cluster.client(first).put(target, '"perhaps"', { ...JSON_TYPE, ...ifMatch });
      expect([put.status, problemIn(put).outcome]).toEqual([504, 'unknown']);
      id = problemIn(put)['writeId'] as string;
      expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    } finally {
      for (const node of others) cluster.cont(node);
      await cluster.waitReady();
    }
    const { state } = await swapped.outcome(key, id);
    const read = await swapped.get(key, { consistency: 'linearizable' });
    expect([state, read.type === 'found' ? read.value : read.type]).toBeOneOf([
      ['applied', 'perhaps'],
      ['never-applied', 'one'],
    ]);
    // And it stays so.
    for (const node of cluster.nodes) {
      const answer = await cluster.client(node).get(`/v1/outcome/swapped/${key}?writeId=${id}`);
      expect([node, JSON.parse(answer.text)]).toMatchObject([node, { state }]);
    }
  });

  it('of which nothing was sent when its time was over is not-applied, and nothing is left to be asked', async () => {
    const { target, homes } = keys.draw('notes');
    const [first = '', ...others] = homes;
    for (const node of others) cluster.stop(node);
    try {
      const put = await cluster
        .client(first)
        .put(target, 'in vain', { ...CREATE, 'Quorate-Timeout-Ms': '700' });
      expect(put.status).toBe(504);
      expect(problemIn(put)).toMatchObject({ code: 'quorum-timeout', outcome: 'not-applied' });
      expect(problemIn(put)).not.toHaveProperty('writeId');
    } finally {
      for (const node of others) cluster.cont(node);
      await cluster.waitReady();
    }
    expect((await cluster.client(first).get(target, LINEARIZABLE)).status).toBe(404);
  });

  it('needs an id, a key, and a majority', async () => {
    const client = cluster.client('n1');
    for (const path of [
      '/v1/outcome/notes/k',
      '/v1/outcome/notes/k?writeId=',
      '/v1/outcome/notes/k?id=1',
      '/v1/outcome/notes?writeId=1',
    ])
      expect([path, (await client.get(path)).status]).toEqual([path, 400]);
    await expect(notes.outcome('k', 'no good')).rejects.toBeInstanceOf(QuorateError);
  });

  it('is told by the command line', async () => {
    const { key } = keys.draw('notes');
    const nodes = ['--node', cluster.url('n5')];
    const created = await runCommand([
      'cas',
      'notes',
      key,
      'v',
      '--if-absent',
      '--write-id',
      'cli-1',
      ...nodes,
    ]);
    expect(created.exitCode).toBe(0);
    const applied = await runCommand(['outcome', 'notes', key, 'cli-1', ...nodes]);
    expect(applied).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^applied: .*\netag: "\w+"\n$/),
    });
    expect(await runCommand(['outcome', 'notes', key, 'cli-2', ...nodes])).toMatchObject({ exitCode: 3 });
  });
});
