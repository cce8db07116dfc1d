/** Links between nodes that are cut, slow, or lose everything one way: as a network does it, which processes alone cannot show. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

let cluster: ProcessCluster;
let keys: PlacedKeys;
beforeAll(async () => {
  cluster = await startProcessCluster({ links: true });
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());
afterEach(async () => {
  cluster.healLinks();
  await cluster.waitReady();
});

/** What each node holds by itself. */
async function heldBy(node: string, target: string): Promise<string | undefined> {
  const answer = await cluster.client(node).get(target, { 'Quorate-R': '1' });
  return answer.status === 200 ? answer.text : undefined;
}

async function untilSeenDown(by: string, ...peers: readonly string[]): Promise<void> {
  await cluster.eventually(`${by} sees ${peers.join()} down`, async () => {
    const members = await cluster.membersSeenBy(by);
    for (const peer of peers) expect(members.get(peer)?.state).toBe('down');
  });
}

describe('a node that is cut off', () => {
  it('refuses what needs others, while the others go on; afterwards all are one again', async () => {
    const { target } = keys.draw('b');
    await cluster.client('n1').put(target, 'before', { 'Quorate-Consistency': 'all' });
    cluster.isolate('n3');
    await untilSeenDown('n3', 'n1', 'n2');
    await untilSeenDown('n1', 'n3');
    await untilSeenDown('n2', 'n3');

    const refused = await cluster.client('n3').put(target, 'from the minority');
    expect(refused.status).toBe(503);
    expect(problemIn(refused)).toMatchObject({
      code: 'quorum-unavailable',
      outcome: 'not-applied',
      required: 2,
      received: 1,
    });
    expect((await cluster.client('n3').get(target)).status).toBe(503);
    expect(await heldBy('n3', target)).toBe('before');

    const seen = await cluster.client('n1').get(target);
    const put = await cluster.client('n2').put(target, 'from the majority', {
      'Quorate-Context': seen.headers['quorate-context'] as string,
    });
    expect(put.status).toBe(204);

    cluster.healLinks();
    await cluster.waitReady();
    for (const node of cluster.nodes) {
      const answer = await cluster.client(node).get(target);
      expect([answer.status, answer.text]).toEqual([200, 'from the majority']);
    }
  });

  it('lets both sides write at W=1, and keeps both values as siblings', async () => {
    const { target } = keys.draw('b');
    const start = await cluster.client('n1').put(target, 'start', { 'Quorate-Consistency': 'all' });
    const seen = {
      'Quorate-Context': start.headers['quorate-context'] as string,
      'Content-Type': 'text/plain',
    };
    cluster.isolate('n3');
    await untilSeenDown('n3', 'n1', 'n2');
    const one = { ...seen, 'Quorate-Consistency': 'one' };
    expect((await cluster.client('n3').put(target, 'left', one)).status).toBe(204);
    expect((await cluster.client('n1').put(target, 'right', one)).status).toBe(204);
    cluster.healLinks();
    await cluster.waitReady();
    for (const node of cluster.nodes) {
      const answer = await cluster.client(node).get(target, { 'Quorate-R': '3' });
      expect(answer.status).toBe(300);
      const { siblings } = JSON.parse(answer.text) as { siblings: readonly { text: string }[] };
      expect(siblings.map(({ text }) => text).sort()).toEqual(['left', 'right']);
    }
  });
});

describe('a link that loses everything one way', () => {
  it('makes a write unknown whose acknowledgement is lost, though it was stored', async () => {
    const { target } = keys.draw('b');
    await cluster.client('n1').get(target);
    cluster.link('n2', 'n1').stall();
    cluster.link('n3', 'n1').stall();
    const put = await cluster.client('n1').put(target, 'stored everywhere', { 'Quorate-Timeout-Ms': '500' });
    expect(put.status).toBe(504);
    const problem = problemIn(put);
    expect(problem).toMatchObject({ code: 'quorum-timeout', outcome: 'unknown', required: 2, received: 1 });
    expect(problem.replicas?.map(({ node, result }) => [node, result]).sort()).toEqual([
      ['n1', 'ok'],
      ['n2', 'no-answer'],
      ['n3', 'no-answer'],
    ]);
    // The records went out; only the answers did not come back.
    await cluster.eventually('the others hold it', async () => {
      for (const node of ['n2', 'n3']) expect(await heldBy(node, target)).toBe('stored everywhere');
    });
  });

  it('makes a write unknown that never left, and it appears when the link is healed', async () => {
    const { target } = keys.draw('b');
    cluster.link('n1', 'n2').stall();
    cluster.link('n1', 'n3').stall();
    const put = await cluster.client('n1').put(target, 'on its way', { 'Quorate-Timeout-Ms': '500' });
    expect(put.status).toBe(504);
    expect(problemIn(put)).toMatchObject({ code: 'quorum-timeout', outcome: 'unknown', received: 1 });
    expect(await heldBy('n1', target)).toBe('on its way');
    expect(await heldBy('n2', target)).toBeUndefined();
    cluster.healLinks();
    await cluster.eventually('it has arrived', async () => {
      for (const node of ['n2', 'n3']) expect(await heldBy(node, target)).toBe('on its way');
    });
  });

  it('costs no write that a majority acknowledges', async () => {
    cluster.link('n1', 'n3').stall();
    cluster.link('n3', 'n1').stall();
    for (const node of cluster.nodes) {
      const { target } = keys.draw('b');
      const put = await cluster.client(node).put(target, `by ${node}`);
      expect(put.status, `${node}: ${put.text}`).toBe(201);
      for (const reader of cluster.nodes) {
        const answer = await cluster.client(reader).get(target);
        expect([answer.status, answer.text], `through ${reader}`).toEqual([200, `by ${node}`]);
      }
    }
  });
});

describe('a slow link', () => {
  it('is not waited for where a quorum answers without it', async () => {
    const { target } = keys.draw('b');
    for (const node of ['n1', 'n2']) {
      cluster.link(node, 'n3').delay(2_000);
      cluster.link('n3', node).delay(2_000);
    }
    const startedMs = performance.now();
    const put = await cluster.client('n1').put(target, 'v');
    expect(put.status).toBe(201);
    expect((await cluster.client('n2').get(target)).text).toBe('v');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    // All three take the time that the link takes, and no more than the deadline allows.
    const all = await cluster
      .client('n1')
      .put(target, 'w', { 'Quorate-W': '3', 'Quorate-Timeout-Ms': '20000' });
    expect(all.headers['quorate-quorum']).toMatch(/^n=3, w=3, acks=3/);
  });
});
