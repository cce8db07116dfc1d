/**
 * Requests to etcd as bytes, by its JSON gateway (api-grpc-gateway of etcd 3.4: POST /v3/kv/put, range, txn; keys and values
 * in base64). Values have the length that those of the store have, and are a third longer on the wire.
 */
import { answersByStatus, type ConnectionRequests, type TrafficSource } from '../load/traffic.ts';
import { randomLetters, storedKey, VALUE_BYTES, type KeyRange } from '../load/workload.ts';
import type { EtcdWorkload } from './etcd-workload.ts';

const VALUE_COUNT = 256;

const PATHS = {
  put: '/v3/kv/put',
  load: '/v3/kv/put',
  range: '/v3/kv/range',
  'range-serializable': '/v3/kv/range',
  'compare-and-swap': '/v3/kv/txn',
} as const;

/** What every right answer holds: the gateway answers 200 to a read of nothing and to a comparison that failed, too. */
const SIGNS = {
  put: '"revision"',
  load: '"revision"',
  range: '"count":"1"',
  'range-serializable': '"count":"1"',
  'compare-and-swap': '"succeeded":true',
} as const;

export function etcdRequests({ operation }: EtcdWorkload, keys: KeyRange): TrafficSource {
  const values = encodedValues();
  const answered = answersByStatus(operation, [200]);
  let index = 0;
  let connections = 0;
  const nextValue = (): string => values[index++ % values.length] ?? '';
  const nextBody = (connection: string): (() => string) => {
    let version = 0;
    const ownKey = base64(`${keys.freshPrefix}-${connection}`);
    switch (operation) {
      case 'put':
        return () => `{"key":"${base64(`${keys.freshPrefix}-${index}`)}","value":"${nextValue()}"}`;
      case 'load':
        return () => `{"key":"${base64(storedKey(index % keys.storedKeys))}","value":"${nextValue()}"}`;
      case 'range':
        return () => `{"key":"${base64(storedKey(index++ % keys.storedKeys))}"}`;
      case 'range-serializable':
        return () => `{"key":"${base64(storedKey(index++ % keys.storedKeys))}","serializable":true}`;
      case 'compare-and-swap':
        return () =>
          `{"compare":[{"key":"${ownKey}","target":"VERSION","result":"EQUAL","version":"${version++}"}],` +
          `"success":[{"requestPut":{"key":"${ownKey}","value":"${nextValue()}"}}]}`;
    }
  };
  const connect = (): ConnectionRequests => {
    const body = nextBody(String(connections++));
    return { next: () => requestBytes(PATHS[operation], body()), answered };
  };
  return { connect, isRightBody: (body) => body.includes(SIGNS[operation]) };
}

function requestBytes(path: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  );
}

function encodedValues(): readonly string[] {
  const letters = randomLetters(VALUE_COUNT * VALUE_BYTES);
  return Array.from({ length: VALUE_COUNT }, (_, index) =>
    letters.subarray(index * VALUE_BYTES, (index + 1) * VALUE_BYTES).toString('base64'),
  );
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
