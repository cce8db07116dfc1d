/**
 * A cluster with nodes that are gone: what can be done is done through every survivor, what cannot is refused with the facts,
 * and what was refused never appears.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { type PlacedKey, PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

/** Home replicas only. */
const STRICT = { 'Quorate-Sloppy': '?0' };

let cluster: ProcessCluster;
let keys: PlacedKeys;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5 });
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());

const alive = (...dead: readonly string[]): readonly string[] =>
  cluster.nodes.filter((node) => !dead.includes(node));

/** Waits until these nodes know that the others are gone. */
async function untilKnownDown(...dead: readonly string[]): Promise<void> {
  await cluster.eventually(`${dead.join()} are seen down`, async () => {
    for (const node of alive(...dead)) {
      const members = await cluster.membersSeenBy(node);
      for (const gone of dead) expect(members.get(gone)?.state).toBe('down');
    }
  });
}

async function readThroughAll(target: string, nodes: readonly string[]): Promise<readonly Answer[]> {
  return Promise.all(nodes.map((node) => cluster.client(node).get(target)));
}

describe('with one home replica down', () => {
  const DEAD = 'n3';
  let placed: PlacedKey;
  beforeAll(async () => {
    placed = keys.draw('b', (homes) => homes.includes(DEAD));
    await cluster.kill9(DEAD);
    await untilKnownDown(DEAD);
  });
  afterAll(() => cluster.restart(DEAD));

  it('reads and writes at a majority go on, through every node', async () => {
    for (const node of alive(DEAD)) {
      const { target } = keys.draw('b', (homes) => homes.includes(DEAD));
      const put = await cluster.client(node).put(target, `by ${node}`, STRICT);
      expect(put.status).toBe(201);
      expect(put.headers['quorate-quorum']).toBe('n=3, w=2, acks=2, sloppy=?0, ordered=?1');
      for (const answer of await readThroughAll(target, alive(DEAD))) expect(answer.text).toBe(`by ${node}`);
    }
  });

  it('what needs all three is 503 with the facts, and is surely not applied', async () => {
    for (const node of alive(DEAD)) {
      const put = await cluster.client(node).put(placed.target, 'v', { 'Quorate-W': '3', ...STRICT });
      expect(put.status).toBe(503);
      const problem = problemIn(put);
      expect(problem).toMatchObject({
        code: 'quorum-unavailable',
        outcome: 'not-applied',
        required: 3,
        received: 2,
      });
      expect(problem.replicas?.find((replica) => replica.node === DEAD)).toMatchObject({
        result: 'unreachable',
      });
      expect(problem.replicas?.map((replica) => replica.node).sort()).toEqual([...placed.homes].sort());
      expect(problem.retryAfterMs).toBeGreaterThan(0);
      const get = await cluster.client(node).get(placed.target, { 'Quorate-Consistency': 'all' });
      expect(get.status).toBe(503);
      expect(problemIn(get)).toMatchObject({ code: 'quorum-unavailable', required: 3 });
      expect((await cluster.client(node).get(placed.target)).status).toBe(404);
    }
  });

  it('the survivors are live and ready, and have their majorities', async () => {
    for (const node of alive(DEAD)) {
      for (const path of ['/livez', '/readyz', '/readyz?quorum=1']) {
        expect((await cluster.client(node).get(path)).status, `${node} ${path}`).toBe(200);
      }
    }
  });

  it('the survivors say that it is down, since when and why', async () => {
    for (const node of alive(DEAD)) {
      const member = (await cluster.membersSeenBy(node)).get(DEAD);
      expect(member).toMatchObject({ state: 'down', reason: expect.stringMatching(/.+/) });
      expect(Date.parse(member?.since ?? '')).toBeGreaterThan(Date.now() - 600_000);
    }
  });

  it('an inspection shows it as unreachable', async () => {
    const { text } = await cluster.client('n1').get(`/v1/inspect/b/${placed.key}`);
    const { replicas, agree } = JSON.parse(text) as {
      replicas: readonly { node: string; result: string }[];
      agree: boolean;
    };
    expect(replicas.find(({ node }) => node === DEAD)?.result).toBe('unreachable');
    expect(agree).toBe(false);
  });

  it('the dead one, back again, gets what it missed, by the reads that find it behind', async () => {
    const { target, key } = keys.draw('b', (homes) => homes.includes(DEAD));
    await cluster.client('n1').put(target, 'missed', STRICT);
    await cluster.restart(DEAD);
    await cluster.eventually('read repair has reached it', async () => {
      await cluster.client('n1').get(target, { 'Quorate-R': '3' });
      const { text } = await cluster.client('n1').get(`/v1/inspect/b/${key}`);
      expect(JSON.parse(text)).toMatchObject({ agree: true });
    });
    const one = await cluster.client(DEAD).get(target, { 'Quorate-R': '1' });
    expect([one.text, one.headers['quorate-coordinator']]).toEqual(['missed', DEAD]);
    await cluster.kill9(DEAD);
    await untilKnownDown(DEAD);
  });
});

describe('with two of three home replicas down', () => {
  const DEAD = ['n1', 'n2'];
  let placed: PlacedKey;
  beforeAll(async () => {
    placed = keys.draw('b', (homes) => DEAD.every((node) => homes.includes(node)));
    await cluster.client('n4').put(placed.target, 'before', { 'Quorate-Consistency': 'all' });
    await cluster.kill9(...DEAD);
    await untilKnownDown(...DEAD);
  });
  afterAll(async () => {
    cluster.start(...DEAD);
    await cluster.waitReady();
  });

  it('a majority is 503, and what was refused is not there afterwards', async () => {
    for (const node of alive(...DEAD)) {
      for (const [method, body] of [
        ['PUT', 'refused'],
        ['DELETE', undefined],
      ] as const) {
        const answer = await cluster
          .client(node)
          .send(placed.target, { method, headers: STRICT, ...(body === undefined ? {} : { body }) });
        expect(answer.status).toBe(503);
        expect(problemIn(answer)).toMatchObject({
          code: 'quorum-unavailable',
          outcome: 'not-applied',
          required: 2,
        });
      }
      const get = await cluster.client(node).get(placed.target, STRICT);
      // Not enough replicas that know anything: never 404, nor what one alone holds.
      expect(get.status).toBe(503);
      expect(problemIn(get)).toMatchObject({ code: 'quorum-unavailable', required: 2, received: 1 });
    }
    for (const node of alive(...DEAD)) {
      expect((await cluster.client(node).get(placed.target, { 'Quorate-R': '1' })).text).toBe('before');
    }
  });

  it('one is enough where one is asked for', async () => {
    const { target } = keys.draw('b', (homes) => DEAD.every((node) => homes.includes(node)));
    for (const node of alive(...DEAD)) {
      const put = await cluster.client(node).put(target, node, { 'Quorate-Consistency': 'one', ...STRICT });
      expect(put.status).toBeOneOf([201, 204]);
      expect(put.headers['quorate-quorum']).toBe('n=3, w=1, acks=1, sloppy=?0');
    }
  });

  it('the survivors are live and ready, but tell who asks that they lack majorities', async () => {
    for (const node of alive(...DEAD)) {
      expect((await cluster.client(node).get('/livez')).status).toBe(200);
      expect((await cluster.client(node).get('/readyz')).status).toBe(200);
      expect((await cluster.client(node).get('/readyz?quorum=1')).status).toBe(503);
    }
  });
});

describe('with every home replica of a key down', () => {
  const DEAD = ['n1', 'n2', 'n3'];
  beforeAll(async () => {
    await cluster.kill9(...DEAD);
    await untilKnownDown(...DEAD);
  });
  afterAll(async () => {
    cluster.start(...DEAD);
    await cluster.waitReady();
  });

  it('others stand in, and hand over what was written when these are back', async () => {
    const { target, key } = keys.draw('b', (homes) => DEAD.every((node) => homes.includes(node)));
    const put = await cluster.client('n5').put(target, 'meanwhile', { 'Content-Type': 'text/plain' });
    expect(put.status).toBe(201);
    expect(put.headers['quorate-quorum']).toBe('n=3, w=2, acks=2, sloppy=?1');
    expect(put.headers['quorate-coordinator']).toBeOneOf(['n4', 'n5']);
    for (const node of ['n4', 'n5']) {
      const get = await cluster.client(node).get(target);
      expect([get.status, get.text]).toEqual([200, 'meanwhile']);
      expect(get.headers['quorate-quorum']).toBe('n=3, r=2, acks=2, sloppy=?1');
      // What nobody holds is not known to be absent.
      const { target: other } = keys.draw('b', (homes) => DEAD.every((home) => homes.includes(home)));
      expect((await cluster.client(node).get(other)).status).toBe(503);
    }
    const hints = [...(await cluster.membersSeenBy('n4')).values()].flatMap((member) => member.hints ?? []);
    expect(hints).toEqual([{ pending: 1, bytes: expect.any(Number), oldestAgeSeconds: expect.any(Number) }]);
    expect((await cluster.client('n4').get('/metrics')).text).toMatch(/^quorate_hints_pending\{.*\} 1$/m);

    cluster.start(...DEAD);
    await cluster.waitReady();
    await cluster.eventually('it is where it belongs, and nowhere else', async () => {
      const { text } = await cluster.client('n1').get(`/v1/inspect/b/${key}`);
      const { agree, replicas } = JSON.parse(text) as { agree: boolean; replicas: readonly unknown[] };
      expect([agree, replicas.length]).toEqual([true, 3]);
    });
    expect((await cluster.client('n1').get(target, { 'Quorate-R': '3' })).text).toBe('meanwhile');
    expect((await cluster.client('n4').get('/metrics')).text).not.toMatch(/^quorate_hints_pending\{/m);
    await cluster.kill9(...DEAD);
    await untilKnownDown(...DEAD);
  });

  it('everything strict is 503, surely not applied', async () => {
    const placed = keys.draw('b', (homes) => DEAD.every((node) => homes.includes(node)));
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await cluster.client('n4').send(placed.target, {
        method,
        headers: { 'Quorate-Consistency': 'one', ...STRICT },
      });
      expect(answer.status).toBe(503);
      expect(problemIn(answer)).toMatchObject({
        code: 'quorum-unavailable',
        outcome: 'not-applied',
        required: 1,
        received: 0,
      });
    }
  });
});
