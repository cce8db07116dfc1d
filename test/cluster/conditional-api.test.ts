/** Compare-and-set and linearizable reads as clients of a whole cluster see them: every row of the contract, through any node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EntryBody, InspectBody } from '../../src/api/bodies.ts';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

type Headers = Readonly<Record<string, string>>;

const CREATE = { 'If-None-Match': '*' };
const LINEARIZABLE = { 'Quorate-Consistency': 'linearizable' };
const SHOW = { Prefer: 'return=representation' };
const TEXT = { 'Content-Type': 'text/plain' };
const BAD_REQUEST = { status: 400, code: 'bad-request' };
const BAD_QUORUM = { status: 400, code: 'bad-quorum' };

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

/** Nodes in turn, so that home replicas and others are asked alike. */
let turns = 0;
function client(): ReturnType<ProcessCluster['client']> {
  turns += 1;
  return cluster.client(cluster.nodes[turns % cluster.nodes.length] as string);
}

function tagOf(answer: Answer): string {
  const { etag } = answer.headers;
  if (etag === undefined) throw new Error(`${answer.status} has no ETag: ${answer.text}`);
  return etag;
}

const ifMatch = (answer: Answer): Headers => ({ 'If-Match': tagOf(answer) });
const seen = (answer: Answer): Headers => ({
  'Quorate-Context': answer.headers['quorate-context'] as string,
});

/** What a linearizable read through every node says. */
async function everywhere(
  target: string,
): Promise<readonly (readonly [number, string, string | undefined])[]> {
  const answers = await Promise.all(
    cluster.nodes.map((node) => cluster.client(node).get(target, LINEARIZABLE)),
  );
  return answers.map(({ status, text, headers }) => [status, status === 404 ? '' : text, headers.etag]);
}

function expectLost(answer: Answer, etag: string | undefined): void {
  expect(answer.status).toBe(412);
  expect(problemIn(answer)).toMatchObject({ code: 'precondition-failed', outcome: 'not-applied' });
  expect(answer.headers.etag).toBe(etag);
}

/** The views of the replicas, when all of them know what was chosen. */
async function settled(target: string): Promise<InspectBody> {
  let body: InspectBody | undefined;
  await cluster.eventually('the round is known to be chosen', async () => {
    body = JSON.parse((await client().get(target.replace('/kv/', '/inspect/'))).text) as InspectBody;
    const votes = body.replicas.flatMap(({ vote }) => vote ?? []);
    expect(votes.filter(({ chosen, unfinished }) => chosen !== undefined && !unfinished)).toHaveLength(3);
    expect(new Set(votes.map(({ chosen }) => JSON.stringify(chosen))).size).toBe(1);
  });
  return body as InspectBody;
}

/** Two values that were written concurrently. */
async function withSiblings(target: string): Promise<Answer> {
  await client().put(target, 'one', { ...TEXT, 'Quorate-Consistency': 'all' });
  await client().put(target, 'two', { ...TEXT, 'Quorate-Consistency': 'all' });
  const both = await client().get(target, LINEARIZABLE);
  expect([both.status, both.headers['quorate-siblings']]).toEqual([300, '2']);
  return both;
}

describe('If-None-Match: *', () => {
  it('creates a key that was never written, once: 201, then 412 with what is there', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'one', { ...CREATE, ...TEXT });
    expect([created.status, created.headers['quorate-siblings']]).toEqual([201, '1']);
    expect(created.headers['quorate-quorum']).toBe('n=3, w=2, acks=2, sloppy=?0, ordered=?1');
    const lost = await client().put(target, 'two', CREATE);
    expectLost(lost, tagOf(created));
    expect(lost.headers['quorate-context']).toBe(created.headers['quorate-context']);
    expect(problemIn(lost)).not.toHaveProperty('entry');
    const shown = problemIn(await client().put(target, 'two', { ...CREATE, ...SHOW }));
    expect(shown['entry']).toMatchObject({
      ...{ bucket: 'b', etag: tagOf(created), context: created.headers['quorate-context'] },
      siblings: [{ contentType: 'text/plain', text: 'one' }],
    });
    for (const [status, text] of await everywhere(target)) expect([status, text]).toEqual([200, 'one']);
  });

  it('creates a key that was deleted, whichever way', async () => {
    for (const remove of ['plain', 'conditional']) {
      const { target } = keys.draw('b');
      const created = await client().put(target, 'first life', CREATE);
      const removed = await client().delete(target, remove === 'plain' ? seen(created) : ifMatch(created));
      expect(removed.status).toBe(204);
      for (const [status] of await everywhere(target)) expect(status).toBe(404);
      const again = await client().put(target, 'second life', CREATE);
      expect([again.status, again.headers['quorate-siblings']]).toEqual([201, '1']);
      expect(tagOf(again)).not.toBe(tagOf(created));
      for (const [status, text] of await everywhere(target))
        expect([status, text]).toEqual([200, 'second life']);
    }
  });

  it('on a DELETE never finds anything to delete', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'v', CREATE);
    expectLost(await client().delete(target, CREATE), tagOf(created));
    expect((await client().get(target)).status).toBe(200);
  });

  it('is 412 where siblings are', async () => {
    const { target } = keys.draw('b');
    const both = await withSiblings(target);
    expectLost(await client().put(target, 'three', CREATE), tagOf(both));
  });

  it('is atomic: of 64 clients through all nodes exactly one creates, and all others are told who', async () => {
    const { target } = keys.draw('b');
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        client().put(target, `by ${index}`, { ...CREATE, ...TEXT, ...SHOW }),
      ),
    );
    const created = answers.filter(({ status }) => status === 201);
    expect(created).toHaveLength(1);
    const [winner] = created as [Answer];
    const others = answers.filter((answer) => answer !== winner);
    for (const lost of others) {
      expectLost(lost, tagOf(winner));
      expect(problemIn(lost)['entry']).toEqual(JSON.parse(winner.text));
    }
    const { siblings } = JSON.parse(winner.text) as { siblings: readonly [{ text: string }] };
    const [{ text }] = siblings;
    expect(answers.indexOf(winner)).toBe(Number(text.slice(3)));
    for (const told of await everywhere(target)) expect(told).toEqual([200, text, tagOf(winner)]);
  });
});

describe('values', () => {
  it('of the largest size, and of any bytes, are taken through every node', async () => {
    for (const node of cluster.nodes) {
      const { target } = keys.draw('b');
      const value = Buffer.alloc(1024 * 1024, Buffer.from([0, 255, 254]));
      const type = { 'Content-Type': 'x/y; z=1' };
      const created = await cluster.client(node).put(target, value, { ...CREATE, ...type });
      expect(created.status).toBe(201);
      const replaced = await client().put(target, value.subarray(1), { ...ifMatch(created), ...type });
      expect(replaced.status).toBe(204);
      const read = await client().get(target, LINEARIZABLE);
      expect([read.bytes.equals(value.subarray(1)), read.headers['content-type']]).toEqual([
        true,
        'x/y; z=1',
      ]);
      const larger = await cluster.client(node).put(target, Buffer.alloc(1024 * 1024 + 1), ifMatch(replaced));
      expect([larger.status, problemIn(larger).outcome]).toEqual([413, 'not-applied']);
    }
  });
});

describe('a plain read', () => {
  it('at quorum sees a conditional write at once, through every node', async () => {
    const { target } = keys.draw('b');
    let last = await client().put(target, '0', CREATE);
    for (let value = 1; value <= 20; value += 1) {
      last = await client().put(target, String(value), ifMatch(last));
      const reads = await Promise.all(cluster.nodes.map((node) => cluster.client(node).get(target)));
      for (const read of reads) expect([read.text, read.headers.etag]).toEqual([String(value), tagOf(last)]);
    }
  });
});

describe('If-Match', () => {
  it('replaces what has the ETag: 204 and another ETag', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'one', CREATE);
    const replaced = await client().put(target, 'two', ifMatch(created));
    expect([replaced.status, replaced.text]).toEqual([204, '']);
    expect(tagOf(replaced)).not.toBe(tagOf(created));
    expectLost(await client().put(target, 'three', ifMatch(created)), tagOf(replaced));
    for (const told of await everywhere(target)) expect(told).toEqual([200, 'two', tagOf(replaced)]);
  });

  it('with Prefer answers 200 with the entry', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, '1', {
      ...CREATE,
      ...SHOW,
      'Content-Type': 'application/json',
    });
    expect([created.status, created.headers['preference-applied']]).toEqual([201, 'return=representation']);
    const replaced = await client().put(target, '2', {
      ...ifMatch(created),
      ...SHOW,
      'Content-Type': 'application/json',
    });
    expect(replaced.status).toBe(200);
    expect(JSON.parse(replaced.text)).toMatchObject({ etag: tagOf(replaced), siblings: [{ json: 2 }] });
  });

  it('never holds where nothing was written, and of what was deleted only that of the deletion', async () => {
    const { target } = keys.draw('b');
    const never = await client().put(target, 'v', { 'If-Match': '"00"', ...SHOW });
    expectLost(never, undefined);
    expect(problemIn(never).hint).toContain('If-None-Match: *');
    expect(never.headers['quorate-context']).toBeUndefined();
    const created = await client().put(target, 'v', CREATE);
    const deleted = await client().delete(target, ifMatch(created));
    expect(deleted.status).toBe(204);
    const lost = await client().put(target, 'w', ifMatch(created));
    expectLost(lost, tagOf(deleted));
    // The deletion's context, so that whoever writes plainly from here makes no sibling.
    expect(lost.headers['quorate-context']).toBeDefined();
    expect(lost.headers['quorate-siblings']).toBe('0');
    expectLost(await client().delete(target, ifMatch(created)), tagOf(deleted));
    for (const told of await everywhere(target)) expect(told).toEqual([404, '', tagOf(deleted)]);
    const anew = await client().put(target, 'w', ifMatch(lost));
    expect(anew.status).toBe(201);
    expectLost(await client().put(target, 'x', ifMatch(lost)), tagOf(anew));
  });

  it('on a key with siblings takes the ETag of all of them, and leaves one value', async () => {
    const { target } = keys.draw('b');
    const both = await withSiblings(target);
    const { siblings } = JSON.parse(both.text) as EntryBody;
    const one = await client().get(`${target}?sibling=${encodeURIComponent(siblings[0]?.id ?? '')}`);
    expect(tagOf(one)).toBe(tagOf(both));
    const settled = await client().put(target, 'both', ifMatch(both));
    expect([settled.status, settled.headers['quorate-siblings']]).toEqual([204, '1']);
    for (const told of await everywhere(target)) expect(told).toEqual([200, 'both', tagOf(settled)]);
  });

  it('deletes, once', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'v', CREATE);
    expectLost(await client().delete(target, { 'If-Match': '"00"' }), tagOf(created));
    const deleted = await client().delete(target, ifMatch(created));
    expect([deleted.status, deleted.headers['quorate-siblings']]).toEqual([204, '0']);
    for (const [status] of await everywhere(target)) expect(status).toBe(404);
    const plain = await client().get(target);
    expect([plain.status, plain.headers['quorate-context']]).toEqual([
      404,
      deleted.headers['quorate-context'],
    ]);
  });

  it('is what plain writes change: the ETag of before does not hold after them', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'one', CREATE);
    const plain = await client().put(target, 'two', seen(created));
    expect(plain.headers['quorate-quorum']).toContain('ordered=?1');
    expectLost(await client().put(target, 'three', ifMatch(created)), tagOf(plain));
    expect((await client().put(target, 'three', ifMatch(plain))).status).toBe(204);
  });

  it('is atomic: 64 clients through all nodes count to 64', async () => {
    const { target } = keys.draw('b');
    await client().put(target, '0', CREATE);
    const count = async (): Promise<void> => {
      const node = client();
      for (;;) {
        const read = await node.get(target, LINEARIZABLE);
        const written = await node.put(target, String(Number(read.text) + 1), ifMatch(read));
        if (written.status === 204) return;
        expect([412, 409]).toContain(written.status);
      }
    };
    await Promise.all(Array.from({ length: 64 }, count));
    for (const [, text] of await everywhere(target)) expect(text).toBe('64');
  });
});

describe('a condition that is not done', () => {
  const REFUSED: readonly (readonly [Headers, { readonly status: number; readonly code: string }])[] = [
    [{ 'If-Match': '*' }, BAD_REQUEST],
    [{ 'If-Match': '"a", "b"' }, BAD_REQUEST],
    [{ 'If-Match': 'W/"a"' }, BAD_REQUEST],
    [{ 'If-Match': 'unquoted' }, BAD_REQUEST],
    [{ 'If-None-Match': '"a"' }, BAD_REQUEST],
    [{ 'If-Match': '"a"', ...CREATE }, BAD_REQUEST],
    [{ ...CREATE, 'Quorate-R': '2' }, BAD_QUORUM],
    [{ ...CREATE, 'Quorate-W': '2' }, BAD_QUORUM],
    [{ ...CREATE, 'Quorate-N': '5' }, BAD_QUORUM],
    [{ ...CREATE, 'Quorate-Consistency': 'session' }, BAD_REQUEST],
    [LINEARIZABLE, BAD_REQUEST],
  ];

  it.each(REFUSED)('is refused on PUT and DELETE, and nothing is written: %j', async (headers, expected) => {
    const { target } = keys.draw('b');
    const current = await client().put(target, 'v', CREATE);
    for (const method of ['PUT', 'DELETE']) {
      const answer = await client().send(target, {
        method,
        headers,
        ...(method === 'PUT' ? { body: 'w' } : {}),
      });
      expect([answer.status, problemIn(answer).code, problemIn(answer).outcome]).toEqual([
        expected.status,
        expected.code,
        'not-applied',
      ]);
    }
    expect((await client().get(target, LINEARIZABLE)).headers.etag).toBe(tagOf(current));
  });

  it('takes the N of the bucket, and the preset linearizable', async () => {
    const { target } = keys.draw('wide');
    const created = await client().put(target, 'v', { ...CREATE, 'Quorate-N': '5' });
    expect([created.status, created.headers['quorate-quorum']]).toEqual([
      201,
      'n=5, w=3, acks=3, sloppy=?0, ordered=?1',
    ]);
    expect((await client().put(target, 'w', { ...ifMatch(created), ...LINEARIZABLE })).status).toBe(204);
  });
});

describe('a linearizable read', () => {
  it('is refused with N, R or W', async () => {
    for (const name of ['Quorate-N', 'Quorate-R', 'Quorate-W']) {
      const answer = await client().get('/v1/kv/b/k', { ...LINEARIZABLE, [name]: '2' });
      expect([answer.status, problemIn(answer).code]).toEqual([400, 'bad-quorum']);
    }
  });

  it('of a key that was never written is 404, through every node', async () => {
    const { target } = keys.draw('b');
    for (const [status] of await everywhere(target)) expect(status).toBe(404);
    const absent = await client().get(target, LINEARIZABLE);
    expect(absent.headers['quorate-quorum']).toBe('n=3, r=2, acks=2, sloppy=?0, ordered=?1');
    expect(absent.headers['quorate-context']).toBeUndefined();
  });

  it('has the forms of any other: HEAD, 304, one sibling, the envelope, 406', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'value', { ...CREATE, ...TEXT });
    const head = await client().head(target, LINEARIZABLE);
    expect([head.status, head.text, head.headers.etag, head.headers['content-length']]).toEqual([
      ...[200, '', tagOf(created), '5'],
    ]);
    expect((await client().head(keys.draw('b').target, LINEARIZABLE)).status).toBe(404);
    const same = await client().get(target, { ...LINEARIZABLE, 'If-None-Match': tagOf(created) });
    expect([same.status, same.text]).toEqual([304, '']);
    const envelope = await client().get(target, {
      ...LINEARIZABLE,
      Accept: 'application/vnd.quorate.entry+json',
    });
    expect(JSON.parse(envelope.text)).toMatchObject({ siblings: [{ text: 'value' }] });
    expect((await client().get(target, { ...LINEARIZABLE, Accept: 'image/png' })).status).toBe(406);
    const siblings = await withSiblings(keys.draw('b').target);
    expect(siblings.headers['quorate-siblings']).toBe('2');
  });

  it('sees every plain write that a majority of home replicas stored', async () => {
    const { target } = keys.draw('b');
    let context: Headers = {};
    for (let value = 0; value < 20; value += 1) {
      const put = await client().put(target, String(value), context);
      expect(put.headers['quorate-quorum']).toContain('ordered=?1');
      const read = await client().get(target, LINEARIZABLE);
      expect(read.text).toBe(String(value));
      context = seen(read);
    }
  });
});

describe('a bucket of mode cas', () => {
  it('takes conditional writes, and any read', async () => {
    const { target } = keys.draw('accounts');
    for (const method of ['PUT', 'DELETE'] as const) {
      const refused = await client().send(target, { method, ...(method === 'PUT' ? { body: 'v' } : {}) });
      expect(refused.status).toBe(428);
      expect(problemIn(refused)).toMatchObject({ code: 'precondition-required', outcome: 'not-applied' });
      expect(problemIn(refused).hint).toContain('If-None-Match: *');
    }
    const created = await client().put(target, 'one', CREATE);
    expect(created.status).toBe(201);
    const replaced = await client().put(target, 'two', ifMatch(created));
    expect(replaced.status).toBe(204);
    expectLost(await client().put(target, 'three', ifMatch(created)), tagOf(replaced));
    expect((await client().get(target)).text).toBe('two');
    for (const told of await everywhere(target)) expect(told).toEqual([200, 'two', tagOf(replaced)]);
    expect((await client().delete(target, ifMatch(replaced))).status).toBe(204);
  });
});

describe('what the nodes tell', () => {
  it('is how long the phases took, where it was coordinated', async () => {
    const { target } = keys.draw('b');
    const { headers } = await client().put(target, 'v', CREATE);
    expect(headers['server-timing']).toMatch(/^prepare;dur=[\d.]+, accept;dur=[\d.]+, total;dur=[\d.]+$/);
    await settled(target);
    const read = await client().get(target, LINEARIZABLE);
    expect(read.headers['server-timing']).toMatch(/^read;dur=[\d.]+, total;dur=[\d.]+$/);
    const lost = await client().put(target, 'v', CREATE);
    // What the round before has left refuses it, which a read confirms.
    expect(lost.headers['server-timing']).toMatch(/^read;dur=[\d.]+, total;dur/);
  });

  it('is who votes, and that the round is finished', async () => {
    const { target, homes } = keys.draw('b');
    await client().put(target, 'v', CREATE);
    const { replicas } = await settled(target);
    const votes = replicas.flatMap(({ vote }) => vote ?? []);
    expect(votes).toHaveLength(3);
    for (const vote of votes)
      expect(vote).toMatchObject({ votes: true, unfinished: false, chosen: { node: homes[0] } });
    // A majority was asked; the third one may only have been told.
    const asked = votes.filter(({ promised }) => promised !== undefined);
    expect(asked.length).toBeGreaterThanOrEqual(2);
    for (const { promised, accepted, chosen } of asked)
      expect([promised, accepted]).toEqual([chosen, chosen]);
  });

  it('is what the rounds came to', async () => {
    const texts = await Promise.all(
      cluster.nodes.map(async (node) => (await cluster.client(node).get('/metrics')).text),
    );
    const sum = (name: string): number =>
      texts
        .flatMap((text) => [...text.matchAll(new RegExp(`^${name}[,}].* ([0-9.]+)$`, 'gm'))])
        .reduce((total, [, value]) => total + Number(value), 0);
    expect(sum('quorate_rounds_total{start="prepared",end="chosen"')).toBeGreaterThan(0);
    expect(sum('quorate_rounds_total{start="prepared",end="answered"')).toBeGreaterThan(0);
    expect(sum('quorate_linearizable_reads_total{by="quick"')).toBeGreaterThan(0);
    for (const text of texts) expect(text).toMatch(/^quorate_unfinished_rounds\{node="n\d"\} \d+$/m);
  });
});

describe('a write id on a conditional write', () => {
  it('gets the first answer again, through every node', async () => {
    const { target } = keys.draw('b');
    const id = { ...CREATE, 'Quorate-Write-Id': 'created' };
    const first = await client().put(target, 'v', { ...id, 'Quorate-Attempt': '1' });
    expect(first.status).toBe(201);
    for (const node of cluster.nodes) {
      const again = await cluster.client(node).put(target, 'v', id);
      expect([again.status, again.headers.etag]).toEqual([201, tagOf(first)]);
      expect(again.headers['quorate-context']).toBe(first.headers['quorate-context']);
    }
  });

  it('gets its own success though somebody else has written since, or deleted', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'one', CREATE);
    const id = { ...ifMatch(created), 'Quorate-Write-Id': 'mine' };
    const mine = await client().put(target, 'mine', { ...id, 'Quorate-Attempt': '1' });
    const theirs = await client().put(target, 'theirs', ifMatch(mine));
    for (const node of cluster.nodes) {
      const again = await cluster.client(node).put(target, 'mine', id);
      expect([again.status, again.headers.etag]).toEqual([204, tagOf(mine)]);
    }
    expect((await client().delete(target, ifMatch(theirs))).status).toBe(204);
    const again = await client().put(target, 'mine', id);
    expect([again.status, again.headers.etag]).toEqual([204, tagOf(mine)]);
    for (const [status] of await everywhere(target)) expect(status).toBe(404);
  });

  it('of a DELETE gets 204 again', async () => {
    const { target } = keys.draw('b');
    const created = await client().put(target, 'one', CREATE);
    const id = { ...ifMatch(created), 'Quorate-Write-Id': 'gone' };
    const first = await client().delete(target, { ...id, 'Quorate-Attempt': '1' });
    expect(first.status).toBe(204);
    for (const node of cluster.nodes) {
      const again = await cluster.client(node).delete(target, id);
      expect([again.status, again.headers.etag]).toEqual([204, first.headers.etag]);
    }
  });

  it('may not name another write: other bytes, another condition, or a plain one', async () => {
    const { target } = keys.draw('b');
    const named = { 'Quorate-Write-Id': 'reused' };
    const first = await client().put(target, 'v', { ...CREATE, ...named });
    expect(first.status).toBe(201);
    const others = [
      await client().put(target, 'w', { ...CREATE, ...named }),
      await client().put(target, 'v', { ...ifMatch(first), ...named }),
      await client().put(target, 'v', { ...CREATE, ...TEXT, ...named }),
      await client().delete(target, { ...CREATE, ...named }),
      await client().put(target, 'v', named),
    ];
    for (const reused of others) {
      expect(reused.status).toBe(422);
      expect(problemIn(reused)).toMatchObject({ code: 'write-id-reused', outcome: 'not-applied' });
    }
    expect((await client().get(target, LINEARIZABLE)).headers.etag).toBe(tagOf(first));
  });

  it('may not be one of a plain write', async () => {
    const { target } = keys.draw('b');
    const named = { 'Quorate-Write-Id': 'plain' };
    const plain = await client().put(target, 'v', named);
    const reused = await client().put(target, 'v', { ...ifMatch(plain), ...named });
    expect([reused.status, problemIn(reused).code]).toEqual([422, 'write-id-reused']);
    const again = await client().put(target, 'v', named);
    expect([again.status, again.headers.etag]).toEqual([201, tagOf(plain)]);
  });
});
