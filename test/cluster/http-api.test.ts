/** What clients of a whole cluster see, through whichever node they come: one store, with siblings where they are due. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterBody, EntryBody, InspectBody } from '../../src/api/bodies.ts';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const ENVELOPE = { Accept: 'application/vnd.quorate.entry+json' };

let cluster: ProcessCluster;
let keys: PlacedKeys;
beforeAll(async () => {
  cluster = await startProcessCluster({
    nodes: 5,
    config: { buckets: { wide: { n: 5, r: 3, w: 3 }, accounts: { mode: 'cas' } } },
  });
  keys = await PlacedKeys.of(cluster);
});
afterAll(() => cluster?.close());

const seen = (answer: Answer): Record<string, string> => ({
  'Quorate-Context': answer.headers['quorate-context'] as string,
});

/** The same GET through every node. */
function everywhere(target: string, headers: Record<string, string> = {}): Promise<readonly Answer[]> {
  return Promise.all(cluster.nodes.map((node) => cluster.client(node).get(target, headers)));
}

function textsIn(answer: Answer): readonly string[] {
  const { siblings } = JSON.parse(answer.text) as EntryBody;
  return siblings.flatMap((sibling) => ('text' in sibling ? sibling.text : [])).sort();
}

async function inspected(key: string, bucket = 'b'): Promise<InspectBody> {
  return JSON.parse((await cluster.client('n1').get(`/v1/inspect/${bucket}/${key}`)).text) as InspectBody;
}

describe('two clients that write one key from the same context through different nodes', () => {
  it('make two siblings, a third resolves them, and all nodes then show one', async () => {
    const { target, key } = keys.draw('b');
    const text = { 'Content-Type': 'text/plain' };
    const start = await cluster.client('n1').put(target, 'start', text);
    expect(start.status).toBe(201);

    const [one, two] = await Promise.all([
      cluster.client('n2').put(target, 'one', { ...text, ...seen(start) }),
      cluster.client('n4').put(target, 'two', { ...text, ...seen(start) }),
    ]);
    expect([one.status, two.status]).toEqual([204, 204]);

    const conflicts = await everywhere(target);
    for (const answer of conflicts) {
      expect(answer.status).toBe(300);
      expect(answer.headers['quorate-siblings']).toBe('2');
      expect(textsIn(answer)).toEqual(['one', 'two']);
    }
    // Equal records give equal bytes, whoever answers.
    expect(new Set(conflicts.map((answer) => answer.text)).size).toBe(1);
    expect(new Set(conflicts.map(({ headers }) => headers.etag)).size).toBe(1);

    const both = conflicts[4] as Answer;
    const resolved = await cluster.client('n5').put(target, 'both', { ...text, ...seen(both) });
    expect(resolved.headers['quorate-siblings']).toBe('1');
    for (const answer of await everywhere(target)) {
      expect([answer.status, answer.text]).toEqual([200, 'both']);
      expect(answer.headers.etag).toBe(resolved.headers.etag);
    }
    await cluster.eventually('the replicas agree', async () => {
      const { agree, replicas } = await inspected(key);
      expect(agree).toBe(true);
      expect(replicas.filter(({ result }) => result === 'found')).toHaveLength(3);
    });
  });

  it('make no siblings where each has read what the other wrote', async () => {
    const { target } = keys.draw('b');
    let context: Record<string, string> = {};
    for (const node of [...cluster.nodes, ...cluster.nodes]) {
      const put = await cluster.client(node).put(target, `by ${node}`, context);
      expect(put.headers['quorate-siblings']).toBe('1');
      context = seen(put);
    }
    for (const answer of await everywhere(target))
      expect([answer.status, answer.text]).toEqual([200, 'by n5']);
  });

  it('lose nothing when they write blindly, all at once', async () => {
    const { target } = keys.draw('b');
    const values = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const puts = values.map((value, index) =>
      cluster.client(`n${(index % 5) + 1}`).put(target, value, { 'Content-Type': 'text/plain' }),
    );
    for (const put of await Promise.all(puts)) expect(put.status).toBeOneOf([201, 204]);
    for (const answer of await everywhere(target)) expect(textsIn(answer)).toEqual([...values].sort());
  });
});

describe('a write id', () => {
  it('makes a retry through any other node the same write, with the same answer', async () => {
    const { target } = keys.draw('b');
    const id = { 'Quorate-Write-Id': 'retried' };
    const first = await cluster.client('n1').put(target, 'v', { ...id, 'Quorate-Attempt': '1' });
    for (const node of cluster.nodes) {
      const again = await cluster.client(node).put(target, 'v', id);
      expect(again.status).toBe(201);
      expect(again.headers['quorate-context']).toBe(first.headers['quorate-context']);
      expect(again.headers['quorate-siblings']).toBe('1');
      expect(again.headers.etag).toBe(first.headers.etag);
    }
    const [entry] = await everywhere(target, ENVELOPE);
    expect(JSON.parse(entry?.text ?? '')).toMatchObject({ siblings: [{ writeId: 'retried' }] });
  });

  it('that was superseded does not come back', async () => {
    const { target } = keys.draw('b');
    const id = { 'Quorate-Write-Id': 'superseded' };
    const first = await cluster.client('n1').put(target, 'old', id);
    await cluster.client('n2').put(target, 'new', seen(first));
    for (const node of cluster.nodes) {
      const again = await cluster.client(node).put(target, 'old', id);
      expect(again.headers['quorate-context']).toBe(first.headers['quorate-context']);
    }
    for (const answer of await everywhere(target)) expect([answer.status, answer.text]).toEqual([200, 'new']);
  });

  it('makes a retried DELETE the same too', async () => {
    const { target } = keys.draw('b');
    const put = await cluster.client('n1').put(target, 'v');
    const id = { 'Quorate-Write-Id': 'deleted', ...seen(put) };
    const first = await cluster.client('n2').delete(target, id);
    const again = await cluster.client('n3').delete(target, id);
    expect([first.status, again.status]).toEqual([204, 204]);
    expect(again.headers['quorate-context']).toBe(first.headers['quorate-context']);
  });

  it('may not name other bytes, through any node', async () => {
    const { target } = keys.draw('b');
    const id = { 'Quorate-Write-Id': 'reused' };
    await cluster.client('n1').put(target, 'v', id);
    for (const node of cluster.nodes) {
      const reused = await cluster.client(node).put(target, 'w', id);
      expect(reused.status).toBe(422);
      expect(problemIn(reused)).toMatchObject({ code: 'write-id-reused', outcome: 'not-applied' });
    }
    for (const answer of await everywhere(target)) expect([answer.status, answer.text]).toEqual([200, 'v']);
  });
});

describe('N, R and W', () => {
  it('are what was asked for, and shown', async () => {
    for (const [n, w, r] of [
      [1, 1, 1],
      [2, 2, 1],
      [3, 1, 3],
      [3, 3, 1],
      [5, 5, 5],
      [5, 1, 5],
    ] as const) {
      const { key, target } = keys.draw('b');
      const put = await cluster.client('n3').put(target, 'v', { 'Quorate-N': `${n}`, 'Quorate-W': `${w}` });
      expect(put.status).toBe(201);
      expect(put.headers['quorate-quorum']).toMatch(new RegExp(`^n=${n}, w=${w}, acks=\\d, sloppy=\\?0`));
      const got = await cluster.client('n4').get(target, { 'Quorate-N': `${n}`, 'Quorate-R': `${r}` });
      expect([got.status, got.text]).toEqual([200, 'v']);
      expect(got.headers['quorate-quorum']).toMatch(new RegExp(`^n=${n}, r=${r}, acks=${r}, sloppy=\\?0`));
      await cluster.eventually(`${n} nodes hold it`, async () => {
        const { replicas } = await inspected(key);
        expect(replicas.filter(({ result }) => result === 'found')).toHaveLength(n);
      });
    }
  });

  it('are answered by home replicas, in the order of the preference list', async () => {
    const { key, target, homes } = keys.draw('b');
    for (const node of cluster.nodes) {
      const put = await cluster.client(node).put(target, 'v', { 'Quorate-Consistency': 'all' });
      expect(homes).toContain(put.headers['quorate-coordinator']);
      expect(put.headers['quorate-quorum']).toBe('n=3, w=3, acks=3, sloppy=?0, ordered=?1');
      // A home replica coordinates itself: forwarding costs a message.
      if (homes.includes(node)) expect(put.headers['quorate-coordinator']).toBe(node);
    }
    const { preferenceList, n, replicas } = await inspected(key);
    expect(n).toBe(3);
    expect(preferenceList.slice(0, 3)).toEqual(homes);
    const holding = replicas.filter(({ result }) => result === 'found').map(({ node }) => node);
    expect([...holding].sort()).toEqual([...homes].sort());
  });

  it('have the defaults of a declared bucket', async () => {
    const { target, key } = keys.draw('wide');
    const put = await cluster.client('n2').put(target, 'v');
    expect(put.headers['quorate-quorum']).toMatch(/^n=5, w=3, acks=[345], sloppy=\?0, ordered=\?1$/);
    await cluster.eventually('all five hold it', async () => {
      const { agree, n } = await inspected(key, 'wide');
      expect([agree, n]).toEqual([true, 5]);
    });
  });

  it('beyond the cluster are refused by every node', async () => {
    for (const node of cluster.nodes) {
      const answer = await cluster.client(node).put('/v1/kv/b/k', 'v', { 'Quorate-N': '6' });
      expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-quorum']);
    }
  });
});

describe('a deleted key', () => {
  it('is 404 through every node, and re-created with that context it has no sibling', async () => {
    const { target } = keys.draw('b');
    const put = await cluster.client('n1').put(target, 'first life');
    await cluster.client('n2').delete(target, seen(put));
    const absent = await everywhere(target);
    for (const answer of absent) {
      expect(answer.status).toBe(404);
      expect(answer.headers['quorate-context']).toBeDefined();
    }
    const again = await cluster.client('n4').put(target, 'second life', seen(absent[2] as Answer));
    expect([again.status, again.headers['quorate-siblings']]).toEqual([201, '1']);
    for (const answer of await everywhere(target, ENVELOPE)) {
      expect(answer.status).toBe(200);
      expect((JSON.parse(answer.text) as EntryBody).siblings).toHaveLength(1);
    }
  });

  it('without that context keeps its tombstone beside the value, and shows the value', async () => {
    const { target } = keys.draw('b');
    await cluster.client('n1').put(target, 'first life');
    await cluster.client('n3').delete(target);
    await cluster.client('n5').put(target, 'second life');
    for (const answer of await everywhere(target))
      expect([answer.status, answer.text]).toEqual([200, 'second life']);
    const [entry] = await everywhere(target, ENVELOPE);
    expect((JSON.parse(entry?.text ?? '') as EntryBody).siblings).toHaveLength(2);
  });

  it('that never was there is 404 for a DELETE without a context', async () => {
    const { target } = keys.draw('b');
    for (const node of cluster.nodes) expect((await cluster.client(node).delete(target)).status).toBe(404);
  });
});

describe('values and keys', () => {
  it('of every kind come back through every node as they were sent', async () => {
    const names = [
      'a%2Fb%2Fc',
      '100%25',
      '__proto__',
      'a%00b',
      '%F0%9F%90%98',
      '%22%5C%0A',
      'k'.repeat(1024),
    ];
    const values = [Buffer.alloc(0), Buffer.from([0, 255, 254]), Buffer.alloc(1024 * 1024, 'x')];
    for (const [index, name] of names.entries()) {
      const value = values[index % values.length] as Buffer;
      const target = `/v1/kv/__proto__/${name}`;
      const put = await cluster
        .client(`n${(index % 5) + 1}`)
        .put(target, value, { 'Content-Type': 'x/y; z=1' });
      expect(put.status, name).toBe(201);
      for (const answer of await everywhere(target)) {
        expect(answer.status, name).toBe(200);
        expect(answer.bytes.equals(value), name).toBe(true);
        expect(answer.headers['content-type']).toBe('x/y; z=1');
      }
    }
  });

  it('above the limit are refused by every node', async () => {
    for (const node of cluster.nodes) {
      const answer = await cluster.client(node).put('/v1/kv/b/large', Buffer.alloc(1024 * 1024 + 1));
      expect(answer.status).toBe(413);
      expect(problemIn(answer)).toMatchObject({ code: 'too-large', maxValueBytes: 1024 * 1024 });
    }
    expect((await cluster.client('n1').get('/v1/kv/b/large')).status).toBe(404);
  });

  it('of a bucket of mode cas are refused to plain writes by every node', async () => {
    for (const node of cluster.nodes) {
      const answer = await cluster.client(node).put('/v1/kv/accounts/k', 'v');
      expect([answer.status, problemIn(answer).code]).toEqual([428, 'precondition-required']);
    }
  });
});

describe('what the nodes say of the cluster', () => {
  it('is the same ring from each', async () => {
    const rings = await everywhere('/v1/ring');
    expect(new Set(rings.map(({ text }) => text)).size).toBe(1);
    const { partitions, preferenceLists } = JSON.parse(rings[0]?.text ?? '') as {
      partitions: number;
      preferenceLists: readonly (readonly number[])[];
    };
    expect(preferenceLists).toHaveLength(partitions);
    for (const list of preferenceLists) expect(new Set(list)).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('shows all members up, each with the store and incarnation that it has itself', async () => {
    const bodies = (await everywhere('/v1/cluster')).map(({ text }) => JSON.parse(text) as ClusterBody);
    expect(bodies.map(({ node }) => node)).toEqual(cluster.nodes);
    expect(new Set(bodies.map(({ epoch }) => epoch)).size).toBe(1);
    const selves = bodies.map(({ node, members }) => members.find(({ id }) => id === node));
    for (const { members, node } of bodies) {
      expect(members.map(({ id }) => id)).toEqual(cluster.nodes);
      for (const [index, member] of members.entries()) {
        expect(member.state).toBe(member.id === node ? 'self' : 'up');
        expect(member.incarnation).toBe(selves[index]?.incarnation);
        expect(member.storeId).toBe(selves[index]?.storeId);
      }
    }
    expect(new Set(selves.map((self) => self?.storeId)).size).toBe(5);
  });

  it('is that each is live and ready, with a majority for its ranges', async () => {
    for (const path of ['/livez', '/readyz', '/readyz?quorum=1']) {
      expect((await everywhere(path)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    }
  });
});
