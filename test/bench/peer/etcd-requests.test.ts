/** Requests to etcd: whole HTTP messages, and a comparison with what this connection wrote last. */
import { describe, expect, it } from 'vitest';
import { trafficSource } from '../../../bench/load/traffic-source.ts';
import type { EtcdWorkload } from '../../../bench/peer/etcd-workload.ts';

const KEYS = { freshPrefix: 'own', storedKeys: 3 };

function source(operation: EtcdWorkload['operation']) {
  return trafficSource({ type: 'etcd', operation }, KEYS);
}

function parse(bytes: Buffer): { line: string; body: string } {
  const [head = '', body = ''] = bytes.toString('latin1').split('\r\n\r\n');
  const length = /Content-Length: (\d+)/.exec(head)?.[1];
  expect(Number(length ?? 0)).toBe(body.length);
  return { line: head.split('\r\n')[0] ?? '', body };
}

const text = (base64: string) => Buffer.from(base64, 'base64').toString('latin1');

describe('requests to etcd', () => {
  it('put fresh keys with values of the length that the store gets', () => {
    const { next } = source('put').connect();
    const [first, second] = [parse(next()), parse(next())].map(({ line, body }) => {
      expect(line).toBe('POST /v3/kv/put HTTP/1.1');
      return JSON.parse(body) as { key: string; value: string };
    });
    expect(text(first?.key ?? '')).not.toBe(text(second?.key ?? ''));
    expect(text(first?.value ?? '')).toHaveLength(1024);
  });

  it('read the keys that were loaded, and no others', () => {
    const load = source('load').connect();
    const loaded = Array.from(
      { length: 3 },
      () => (JSON.parse(parse(load.next()).body) as { key: string }).key,
    );
    expect(new Set(loaded).size).toBe(3);
    for (const operation of ['range', 'range-serializable'] as const) {
      const { next } = source(operation).connect();
      for (let count = 0; count < 6; count++) {
        const body = JSON.parse(parse(next()).body) as { key: string; serializable?: boolean };
        expect(loaded).toContain(body.key);
        expect(body.serializable === true).toBe(operation === 'range-serializable');
      }
    }
  });

  it('compare with the version that their connection wrote last, on a key of its own', () => {
    const all = source('compare-and-swap');
    const [one, other] = [all.connect(), all.connect()];
    const compared = (connection: typeof one) => {
      const { compare } = JSON.parse(parse(connection.next()).body) as {
        compare: readonly { key: string; version: string }[];
      };
      return compare[0];
    };
    expect([compared(one), compared(one), compared(one)].map((each) => each?.version)).toEqual([
      '0',
      '1',
      '2',
    ]);
    expect(compared(other)).toMatchObject({ version: '0' });
    expect(compared(other)?.key).not.toBe(compared(one)?.key);
  });

  it('take no answer for right that says nothing was found or swapped', () => {
    expect(source('range').isRightBody('{"header":{"revision":"7"}}')).toBe(false);
    expect(source('range').isRightBody('{"kvs":[{}],"count":"1"}')).toBe(true);
    expect(source('compare-and-swap').isRightBody('{"header":{"revision":"7"}}')).toBe(false);
    expect(source('compare-and-swap').isRightBody('{"succeeded":true}')).toBe(true);
  });

  it('of the old API have their value in a form', () => {
    const put = parse(source('v2-put').connect().next());
    expect(put.line).toMatch(/^PUT \/v2\/keys\/own-0 /);
    expect(put.body).toMatch(/^value=[\w-]{1024}$/);
    expect(parse(source('v2-get-quorum').connect().next()).line).toMatch(
      /^GET \/v2\/keys\/stored-0+\?quorum=true /,
    );
  });
});
