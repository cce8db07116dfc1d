/** The mixes of requests: what follows what, on which keys, in which shares. */
import { describe, expect, it } from 'vitest';
import { trafficSource } from '../../../bench/load/traffic-source.ts';
import type { ConnectionRequests, MixedWorkload } from '../../../bench/load/traffic.ts';
import { storedKey } from '../../../bench/load/workload.ts';

const KEYS = { freshPrefix: 'new', storedKeys: 50, seed: 3 };
const BASE: MixedWorkload = {
  type: 'mix',
  bucket: 'carts',
  updates: 0,
  inserts: 0,
  updateBy: 'context',
  distribution: 'uniform',
  valueBytes: 100,
};

interface Sent {
  readonly method: string;
  readonly key: string;
  readonly headers: string;
  readonly body: string;
}

function sentBy(connection: ConnectionRequests): Sent {
  const text = connection.next().toString('latin1');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [line = ''] = head.split('\r\n');
  const [method = '', path = ''] = line.split(' ');
  return { method, key: path.replace('/v1/kv/carts/', ''), headers: head, body };
}

function connectionOf(mix: Partial<MixedWorkload>): ConnectionRequests {
  return trafficSource({ ...BASE, ...mix }, KEYS).connect();
}

describe('a mix', () => {
  it.each([
    ['context', ['Quorate-Context', 'seen'], 'Quorate-Context: seen'],
    ['if-match', ['ETag', '"tag"'], 'If-Match: "tag"'],
  ] as const)(
    'updates by %s what it has read, and counts the two as one operation',
    (updateBy, found, sent) => {
      const connection = connectionOf({ updates: 1, updateBy });
      const read = sentBy(connection);
      expect(read.method).toBe('GET');
      connection.sawHeaders?.(['Content-Type', 'text/plain', ...found]);
      expect(connection.answered(200)).toEqual({
        outcome: "update's read 200",
        isExpected: true,
        endsOperation: false,
      });
      const write = sentBy(connection);
      expect(write).toMatchObject({ method: 'PUT', key: read.key });
      expect(write.headers).toContain(sent);
      expect(write.body).toHaveLength(100);
      connection.sawHeaders?.(found);
      expect(connection.answered(204)).toEqual({
        outcome: 'update 204',
        isExpected: true,
        endsOperation: true,
      });
      expect(sentBy(connection).method).toBe('GET');
    },
  );

  it('may lose a compare-and-set, but no other write', () => {
    for (const [updateBy, isExpected] of [
      ['if-match', true],
      ['context', false],
    ] as const) {
      const connection = connectionOf({ updates: 1, updateBy });
      connection.next();
      connection.sawHeaders?.(['etag', '"tag"', 'quorate-context', 'seen']);
      connection.answered(200);
      connection.next();
      expect(connection.answered(412).isExpected).toBe(isExpected);
    }
  });

  it('finds all keys that it reads: 404 is no answer to expect', () => {
    const connection = connectionOf({});
    const numbers = Array.from({ length: KEYS.storedKeys }, (_, number) => storedKey(number, 100));
    for (let count = 0; count < 200; count++) expect(numbers).toContain(sentBy(connection).key);
    expect(connection.answered(404).isExpected).toBe(false);
    expect(connection.answered(300).isExpected).toBe(true);
  });

  it('reads an inserted key only when that, and all before it, were acknowledged', () => {
    const source = trafficSource({ ...BASE, inserts: 0.5, distribution: 'latest' }, KEYS);
    const [slow, fast] = [source.connect(), source.connect()];
    let pending = sentBy(slow);
    while (pending.method !== 'PUT') pending = sentBy(slow);
    for (let count = 0; count < 300; count++) {
      const { method, key } = sentBy(fast);
      if (method === 'GET') expect(key).not.toMatch(/^new/);
      fast.answered(method === 'GET' ? 200 : 201);
    }
    slow.answered(201);
    const read = new Set<string>();
    for (let count = 0; count < 300; count++) {
      const { method, key } = sentBy(fast);
      if (method === 'GET') read.add(key);
      fast.answered(method === 'GET' ? 200 : 201);
    }
    expect([...read].some((key) => key.startsWith('new'))).toBe(true);
  });

  it('has the shares that it says', () => {
    const connection = connectionOf({ inserts: 0.1 });
    let inserts = 0;
    for (let count = 0; count < 5_000; count++) {
      const isInsert = sentBy(connection).method === 'PUT';
      if (isInsert) inserts += 1;
      connection.answered(isInsert ? 201 : 200);
    }
    expect(inserts / 5_000).toBeCloseTo(0.1, 1);
  });
});
