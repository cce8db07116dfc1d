/** What stops conditional writes and linearizable reads of real nodes, and what does not: nodes that are killed, or hang. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const CREATE = { 'If-None-Match': '*' };
const LINEARIZABLE = { 'Quorate-Consistency': 'linearizable' };

let cluster: ProcessCluster;
let keys: PlacedKeys;
let writes = 0;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5, config: { buckets: { swapped: { mode: 'cas' } } } });
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());

type Headers = Readonly<Record<string, string>>;
type Three = readonly [string, string, string];

/** As a client does: what is not answered, or unknown, is sent again under its id. */
async function persistently(send: (attempt: Headers) => Promise<Answer>): Promise<Answer> {
  writes += 1;
  const id = { 'Quorate-Write-Id': `write-${writes}`, 'Quorate-Timeout-Ms': '1500' };
  let answer = await send({ ...id, 'Quorate-Attempt': '1' });
  await cluster.eventually('it is answered', async () => {
    if (answer.status >= 500) answer = await send(id);
    expect(answer.status).toBeLessThan(500);
  });
  return answer;
}

describe('with one home replica that hangs', () => {
  it('the two others decide, whoever coordinates and whoever is asked', async () => {
    for (const place of [0, 1, 2]) {
      const { target, homes, others } = keys.draw('b');
      const asleep = homes[place] as string;
      const through = cluster.client(others[place % 2] as string);
      cluster.stop(asleep);
      try {
        const created = await persistently((id) => through.put(target, 'one', { ...CREATE, ...id }));
        expect([place, created.status]).toEqual([place, 201]);
        const ifMatch = { 'If-Match': created.headers.etag as string };
        const replaced = await persistently((id) => through.put(target, 'two', { ...ifMatch, ...id }));
        expect([place, replaced.status]).toEqual([place, 204]);
        const read = await through.get(target, LINEARIZABLE);
        expect([place, read.text]).toEqual([place, 'two']);
      } finally {
        cluster.cont(asleep);
        await cluster.waitReady();
      }
      const read = await cluster.client(asleep).get(target, LINEARIZABLE);
      expect([place, read.text]).toEqual([place, 'two']);
    }
  });
});

describe('with two of three home replicas that hang', () => {
  it('a conditional write is unknown, and its retry through another node is the same write', async () => {
    const { target, homes, others } = keys.draw('swapped');
    const [first, second, third] = homes as Three;
    const created = await cluster.client(first).put(target, 'one', CREATE);
    // With the create came the promises for this one: it is sent to be accepted, and nobody answers.
    const ifMatch = { 'If-Match': created.headers.etag as string };
    const named = { ...ifMatch, 'Quorate-Write-Id': 'in-doubt' };
    cluster.stop(second);
    cluster.stop(third);
    try {
      const put = await cluster.client(first).put(target, 'perhaps', {
        ...named,
        'Quorate-Attempt': '1',
        'Quorate-Timeout-Ms': '700',
      });
      expect(put.status).toBe(504);
      expect(problemIn(put)).toMatchObject({ code: 'quorum-timeout', outcome: 'unknown' });
      const read = await cluster.client(first).get(target, { ...LINEARIZABLE, 'Quorate-Timeout-Ms': '300' });
      expect([read.status, problemIn(read).outcome]).toEqual([504, 'not-applied']);
    } finally {
      cluster.cont(second);
      cluster.cont(third);
      await cluster.waitReady();
    }
    const through = cluster.client(others[0] as string);
    const again = await through.put(target, 'perhaps', named);
    expect(again.status).toBe(204);
    const once = await cluster.client(second).put(target, 'perhaps', named);
    expect([once.status, once.headers.etag]).toEqual([204, again.headers.etag]);
    expect((await through.put(target, 'another', ifMatch)).status).toBe(412);
    expect((await through.get(target, LINEARIZABLE)).headers.etag).toBe(again.headers.etag);
  });
});

describe('with two of three home replicas gone', () => {
  it('nothing is decided and nothing is written, though plain writes go on; with one of them back it is', async () => {
    const { target, homes, others } = keys.draw('b');
    const [first, second, third] = homes as Three;
    // A node that has stood still begins no write at once that may have waited for longer than its time limit.
    await delay(300);
    const created = await cluster.client(first).put(target, 'one', CREATE);
    const etag = created.headers.etag as string;
    await cluster.kill9(second, third);
    const through = cluster.client(others[0] as string);
    await cluster.eventually('they are seen to be gone', async () => {
      expect((await cluster.membersSeenBy(others[0] as string)).get(second)?.state).toBe('down');
      expect((await cluster.membersSeenBy(first)).get(second)?.state).toBe('down');
      expect((await cluster.membersSeenBy(first)).get(third)?.state).toBe('down');
    });
    for (const node of [others[0] as string, first]) {
      const refused = await cluster
        .client(node)
        .put(target, 'two', { 'If-Match': etag, 'Quorate-Timeout-Ms': '500' });
      expect(refused.status).toBe(503);
      expect(problemIn(refused)).toMatchObject({
        ...{ code: 'quorum-unavailable', outcome: 'not-applied', required: 2, received: 1 },
        hint: expect.stringContaining('majority of the home replicas'),
      });
      const read = await cluster.client(node).get(target, { ...LINEARIZABLE, 'Quorate-Timeout-Ms': '500' });
      expect([read.status, problemIn(read).code]).toEqual([503, 'quorum-unavailable']);
    }
    const elsewhere = keys.draw('b', (wanted) => wanted.join() === homes.join());
    const plain = await through.put(elsewhere.target, 'plain');
    expect([plain.status, plain.headers['quorate-quorum']]).toEqual([
      201,
      expect.stringContaining('sloppy=?1'),
    ]);
    // Fewer than a majority of home replicas have it: no conditional request is bound to know it.
    expect(plain.headers['quorate-quorum']).not.toContain('ordered');
    cluster.start(second, third);
    await cluster.waitReady();
    await cluster.eventually('they vote', async () => {
      const read = await through.get(target, LINEARIZABLE);
      expect([read.status, read.text]).toEqual([200, 'one']);
    });
    expect((await through.put(target, 'two', { 'If-Match': etag })).status).toBe(204);
  });
});
