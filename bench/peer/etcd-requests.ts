/**
 * Requests to etcd as bytes: by its JSON gateway (api-grpc-gateway of etcd 3.4: POST /v3/kv/put, range, txn; keys and values in
 * base64), and by the old v2 API (/v2/keys). Values have the length that those of the store have; base64 makes them a third
 * longer on the wire.
 */
import { answersByStatus, type ConnectionRequests, type TrafficSource } from '../load/traffic.ts';
import { randomLetters, storedKey, VALUE_BYTES, type KeyRange } from '../load/workload.ts';
import type { EtcdWorkload } from './etcd-workload.ts';

const VALUE_COUNT = 256;

type Operation = EtcdWorkload['operation'];

/** What every right answer holds: the gateway answers 200 to a read of nothing and to a comparison that failed, too. */
const SIGNS: Readonly<Record<Operation, string>> = {
  put: '"revision"',
  load: '"revision"',
  range: '"count":"1"',
  'range-serializable': '"count":"1"',
  'compare-and-swap': '"succeeded":true',
  'v2-put': '"action":"set"',
  'v2-load': '"action":"set"',
  'v2-get-quorum': '"action":"get"',
  'v2-get': '"action":"get"',
};

export function etcdRequests({ operation }: EtcdWorkload, keys: KeyRange): TrafficSource {
  const source = new EtcdSource(operation, keys);
  // Of v2, 201: the key was not there.
  const answered = answersByStatus(operation, [
    operation === 'v2-put' || operation === 'v2-load' ? 201 : 200,
  ]);
  let connections = 0;
  return {
    connect: (): ConnectionRequests => ({ next: source.of(connections++), answered }),
    isRightBody: (body) => body.includes(SIGNS[operation]),
  };
}

class EtcdSource {
  readonly #operation: Operation;
  readonly #keys: KeyRange;
  readonly #letters = lettersOfValues();
  readonly #encoded = this.#letters.map(base64);
  #count = 0;

  constructor(operation: Operation, keys: KeyRange) {
    this.#operation = operation;
    this.#keys = keys;
  }

  /** The requests of one connection. */
  of(connection: number): () => Buffer {
    const ownKey = base64(`${this.#keys.freshPrefix}-${connection}`);
    let version = 0;
    switch (this.#operation) {
      case 'put':
        return () =>
          gateway('put', `{"key":"${base64(this.#freshKey())}","value":"${this.#encodedValue()}"}`);
      case 'load':
        return () =>
          gateway('put', `{"key":"${base64(this.#storedKey())}","value":"${this.#encodedValue()}"}`);
      case 'range':
        return () => gateway('range', `{"key":"${base64(this.#storedKey())}"}`);
      case 'range-serializable':
        return () => gateway('range', `{"key":"${base64(this.#storedKey())}","serializable":true}`);
      case 'compare-and-swap':
        return () =>
          gateway(
            'txn',
            `{"compare":[{"key":"${ownKey}","target":"VERSION","result":"EQUAL","version":"${version++}"}],` +
              `"success":[{"requestPut":{"key":"${ownKey}","value":"${this.#encodedValue()}"}}]}`,
          );
      case 'v2-put':
        return () => requestBytes(`PUT /v2/keys/${this.#freshKey()}`, FORM, `value=${this.#value()}`);
      case 'v2-load':
        return () => requestBytes(`PUT /v2/keys/${this.#storedKey()}`, FORM, `value=${this.#value()}`);
      case 'v2-get-quorum':
        return () => requestBytes(`GET /v2/keys/${this.#storedKey()}?quorum=true`);
      case 'v2-get':
        return () => requestBytes(`GET /v2/keys/${this.#storedKey()}`);
    }
  }

  #freshKey(): string {
    return `${this.#keys.freshPrefix}-${this.#count++}`;
  }

  #storedKey(): string {
    return storedKey(this.#count++ % this.#keys.storedKeys);
  }

  #value(): string {
    return this.#letters[this.#count % VALUE_COUNT] ?? '';
  }

  #encodedValue(): string {
    return this.#encoded[this.#count % VALUE_COUNT] ?? '';
  }
}

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

function gateway(method: 'put' | 'range' | 'txn', body: string): Buffer {
  return requestBytes(`POST /v3/kv/${method}`, JSON_TYPE, body);
}

function requestBytes(start: string, contentType?: string, body = ''): Buffer {
  const bodyHeaders =
    contentType === undefined ? '' : `Content-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n`;
  return Buffer.from(
    `${start} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n${bodyHeaders}\r\n${body}`,
    'latin1',
  );
}

function lettersOfValues(): readonly string[] {
  const letters = randomLetters(VALUE_COUNT * VALUE_BYTES).toString('latin1');
  return Array.from({ length: VALUE_COUNT }, (_, index) =>
    letters.slice(index * VALUE_BYTES, (index + 1) * VALUE_BYTES),
  );
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
