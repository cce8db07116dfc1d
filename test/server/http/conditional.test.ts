/** Compare-and-set and linearizable reads over HTTP: what reaches the storage engine, and how its outcomes are told. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { QuorumFacts } from '../../../src/core/outcome.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { problemIn } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const CREATE = { 'If-None-Match': '*' };
const QUORUM: QuorumFacts = {
  n: 3,
  required: 2,
  acks: 2,
  sloppy: false,
  ordered: true,
  coordinator: 'n2' as NodeId,
};

let server: TestServer;
let keys = 0;
let target: string;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(() => {
  keys += 1;
  target = `/v1/kv/b/key-${keys}`;
  server.node.conditionals.length = 0;
  delete server.node.script.conditional;
});

describe('a conditional PUT', () => {
  it('creates with 201 and an ETag, and is 412 with what is there if something is', async () => {
    const created = await server.client.put(target, 'one', CREATE);
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({ 'quorate-siblings': '1', 'quorate-context': expect.any(String) });
    expect(created.headers['quorate-quorum']).toContain('ordered=?1');
    const lost = await server.client.put(target, 'two', CREATE);
    expect(lost.status).toBe(412);
    expect(problemIn(lost)).toMatchObject({ code: 'precondition-failed', outcome: 'not-applied' });
    expect(problemIn(lost)).not.toHaveProperty('entry');
    expect(lost.headers['etag']).toBe(created.headers['etag']);
    expect(lost.headers['quorate-context']).toEqual(expect.any(String));
    expect((await server.client.get(target)).text).toBe('one');
  });

  it('replaces what has the ETag, with 204 and another one', async () => {
    const created = await server.client.put(target, 'one', CREATE);
    const etag = created.headers['etag'] as string;
    const replaced = await server.client.put(target, 'two', { 'If-Match': etag });
    expect(replaced.status).toBe(204);
    expect(replaced.headers['etag']).not.toBe(etag);
    expect((await server.client.get(target)).headers['etag']).toBe(replaced.headers['etag']);
    expect((await server.client.put(target, 'three', { 'If-Match': etag })).status).toBe(412);
  });

  it('shows the entry with Prefer: return=representation, whether it wins or loses', async () => {
    const prefer = { ...CREATE, Prefer: 'return=representation', 'Content-Type': 'application/json' };
    const won = await server.client.put(target, '12345678901234567890', prefer);
    expect([won.status, won.headers['preference-applied']]).toEqual([201, 'return=representation']);
    expect(won.text).toContain('"json":12345678901234567890');
    const lost = await server.client.put(target, '2', prefer);
    expect([lost.status, lost.headers['preference-applied']]).toEqual([412, 'return=representation']);
    expect(lost.text).toContain('"json":12345678901234567890');
    expect(problemIn(lost)).toMatchObject({ entry: { bucket: 'b', etag: won.headers['etag'] } });
  });

  it('reaches the engine with the N of the bucket, its condition, and an id of its own', async () => {
    await server.client.put(target, 'one', { ...CREATE, 'Quorate-Timeout-Ms': '2000' });
    await server.client.put(target, 'one', CREATE);
    const [first, second] = server.node.conditionals;
    expect(first).toMatchObject({
      ...{ bucket: 'b', key: `key-${keys}`, n: 3, returnRecord: false },
      operation: { type: 'write', condition: { type: 'if-absent' }, identity: { firstAttempt: true } },
    });
    expect(first?.timeoutMs).toBeLessThanOrEqual(2_000);
    const ids = [first, second].map((each) => each?.operation.type === 'write' && each.operation.identity.id);
    expect(new Set(ids).size).toBe(2);
  });

  it('keeps the id that the client gives, and the first answer of it', async () => {
    const named = { ...CREATE, 'Quorate-Write-Id': 'w1' };
    const first = await server.client.put(target, 'one', { ...named, 'Quorate-Attempt': '1' });
    const again = await server.client.put(target, 'one', named);
    expect([again.status, again.headers['etag']]).toEqual([201, first.headers['etag']]);
    expect((await server.client.put(target, 'other', named)).status).toBe(422);
  });

  it.each([
    ['cas-contention', 'not-applied', 409],
    ['quorum-timeout', 'unknown', 504],
    ['quorum-timeout', 'not-applied', 504],
    ['quorum-unavailable', 'not-applied', 503],
    ['write-id-expired', 'unknown', 504],
  ] as const)('that ends in %s, %s, is %i', async (code, certainty, status) => {
    server.node.script.conditional = async () => ({ type: 'failed', code, certainty, detail: 'so it is' });
    const answer = await server.client.put(target, 'one', CREATE);
    expect(answer.status).toBe(status);
    expect(problemIn(answer)).toMatchObject({ code, outcome: certainty, detail: 'so it is' });
    expect(problemIn(answer).hint).not.toContain('smaller');
    if (certainty === 'not-applied') expect(problemIn(answer).hint).not.toContain('may still appear');
    // What is unknown can be asked for, also by a client that gave its write no id.
    const asked = server.node.conditionals.at(-1)?.operation;
    const id = asked?.type === 'write' ? asked.identity.id : undefined;
    expect(problemIn(answer)['writeId']).toBe(certainty === 'unknown' ? id : undefined);
  });

  it('tells what its phases took where it was coordinated, and what it took in all', async () => {
    expect((await server.client.put(target, 'one', CREATE)).headers['server-timing']).toMatch(
      /^total;dur=[\d.]+$/,
    );
    const phases = [
      { phase: 'prepare', ms: 1.234 },
      { phase: 'accept', ms: 20 },
    ] as const;
    const quorum = { ...QUORUM, phases };
    const timed = /^prepare;dur=1\.23, accept;dur=20\.00, total;dur=[\d.]+$/;
    server.node.script.conditional = async () => ({
      type: 'precondition-failed',
      record: undefined,
      wasRefused: false,
      quorum,
    });
    expect((await server.client.put(target, 'one', CREATE)).headers['server-timing']).toMatch(timed);
    server.node.script.conditional = async () => ({ type: 'read', record: undefined, quorum });
    const absent = await server.client.get(target, { 'Quorate-Consistency': 'linearizable' });
    expect(absent.headers['server-timing']).toMatch(timed);
    delete server.node.script.conditional;
    const plain = await server.client.put(target, 'one');
    expect(plain.headers['server-timing']).toMatch(/^total;dur=[\d.]+$/);
  });

  it('is the way to write to a bucket of mode cas', async () => {
    expect((await server.client.put('/v1/kv/accounts/k', 'v')).status).toBe(428);
    expect((await server.client.put('/v1/kv/accounts/k', 'v', CREATE)).status).toBe(201);
  });
});

describe('a conditional DELETE', () => {
  it('deletes what has the ETag, and nothing else', async () => {
    const etag = (await server.client.put(target, 'one', CREATE)).headers['etag'] as string;
    expect(
      (await server.client.send(target, { method: 'DELETE', headers: { 'If-Match': '"x"' } })).status,
    ).toBe(412);
    const deleted = await server.client.send(target, { method: 'DELETE', headers: { 'If-Match': etag } });
    expect(deleted.status).toBe(204);
    expect((await server.client.get(target)).status).toBe(404);
    const lost = await server.client.send(target, { method: 'DELETE', headers: { 'If-Match': etag } });
    expect([lost.status, lost.headers['etag']]).toEqual([412, deleted.headers['etag']]);
    expect(problemIn(lost).detail).toContain('was deleted');
    expect((await server.client.put(target, 'two', CREATE)).status).toBe(201);
  });

  it('leaves an ETag that every answer tells, and that holds until the key is written again', async () => {
    const remove = (headers: Record<string, string>) =>
      server.client.send(target, { method: 'DELETE', headers });
    const created = await server.client.put(target, 'one', CREATE);
    const deleted = await remove({ 'If-Match': created.headers['etag'] as string });
    const etag = deleted.headers['etag'] as string;
    const lost = await server.client.put(target, 'two', { 'If-Match': '"other"' });
    const absent = [
      await server.client.get(target),
      await server.client.head(target),
      await server.client.get(target, { 'Quorate-Consistency': 'linearizable' }),
      await remove({}),
    ];
    expect([lost.status, ...absent.map(({ status }) => status)]).toEqual([412, 404, 404, 404, 404]);
    for (const { headers } of [lost, ...absent]) expect(headers['etag']).toBe(etag);
    const anew = await server.client.put(target, 'two', { 'If-Match': etag });
    expect(anew.status).toBe(201);
    expect((await server.client.put(target, 'three', { 'If-Match': etag })).status).toBe(412);
  });

  it('finds no ETag where nothing was ever written, and none holds there', async () => {
    const lost = await server.client.send(target, { method: 'DELETE', headers: { 'If-Match': '"x"' } });
    expect([lost.status, lost.headers['etag']]).toEqual([412, undefined]);
    expect(problemIn(lost).detail).toContain('has no ETag');
    expect((await server.client.get(target)).headers).not.toHaveProperty('etag');
  });
});

describe('a linearizable GET', () => {
  const LINEARIZABLE = { 'Quorate-Consistency': 'linearizable' };

  it('is asked of the majority, and shown like any other', async () => {
    expect((await server.client.get(target, LINEARIZABLE)).status).toBe(404);
    await server.client.put(target, 'one', CREATE);
    server.node.reads.length = 0;
    const read = await server.client.get(target, LINEARIZABLE);
    expect([read.status, read.text]).toEqual([200, 'one']);
    expect(server.node.reads).toEqual([]);
    expect(server.node.conditionals.at(-1)).toMatchObject({ n: 3, operation: { type: 'read' } });
    const etag = read.headers['etag'] as string;
    expect((await server.client.get(target, { ...LINEARIZABLE, 'If-None-Match': etag })).status).toBe(304);
  });

  it('that fails has changed nothing', async () => {
    server.node.script.conditional = async () => ({
      ...{ type: 'failed', code: 'quorum-timeout', certainty: 'unknown', detail: 'late' },
    });
    const answer = await server.client.get(target, LINEARIZABLE);
    expect(answer.status).toBe(504);
    expect(problemIn(answer)).toMatchObject({ outcome: 'not-applied' });
    expect(problemIn(answer).hint).not.toContain('smaller');
  });

  it('of a key that was deleted is 404 with its context', async () => {
    server.node.script.conditional = async () => ({ type: 'read', record: undefined, quorum: QUORUM });
    const answer = await server.client.get(target, LINEARIZABLE);
    expect([answer.status, answer.headers['quorate-coordinator']]).toEqual([404, 'n2']);
  });
});
