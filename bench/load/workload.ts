/**
 * The requests of the bench as bytes.
 *
 * Each is laid out at once, head and body in one buffer: autocannon's own builder, asked for a new path per request, costs
 * 11 of 27 microseconds, which on two cores would be taken from the nodes. The yardstick gets the very same bytes.
 *
 * Values are letters that differ from record to record: LevelDB compresses its blocks, and equal values would make the
 * disk look better than it is.
 */

import { type KeyDistribution, keyNumbers } from './key-choice.ts';
import { seededRandom } from './seeded-random.ts';

/** Bytes of a value, unless a workload says otherwise. */
export const VALUE_BYTES = 1024;
/** Different values; neighbours on disk are hardly ever equal. */
const VALUE_COUNT = 1024;
/** Of all values together: large ones are fewer. */
const MAX_VALUES_BYTES = 16 * 1_048_576;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** The bucket of all keys but those of {@link CAS_BUCKET}. */
export const BUCKET = 'bench';
/** The bench's cluster has declared it with mode `cas`. */
export const CAS_BUCKET = 'ledger';

/** A kind of request, and the answer that it must get. */
export interface Workload {
  readonly method: 'PUT' | 'GET';
  /** `bench` unless another one is named. */
  readonly bucket?: string;
  /**
   * `fresh`: each key was never written before. `stored`: one of the keys that were loaded first. `own`: each connection has a key of
   * its own, creates it, and then replaces what it has written, by its ETag.
   */
  readonly keys: 'fresh' | 'stored' | 'own';
  /** Request headers besides those that every request has. */
  readonly headers: Readonly<Record<string, string>>;
  /** Any other status is a failure; of `own` keys the first answer is 201. */
  readonly expectedStatus: number;
  /** Of the values that are written, or have been stored; {@link VALUE_BYTES} unless given. */
  readonly valueBytes?: number;
  /** Of `stored` keys: one after the other unless given. */
  readonly distribution?: KeyDistribution;
}

/** Which keys to use. */
export interface KeyRange {
  /** Begins each fresh key; must differ between measurements. */
  readonly freshPrefix: string;
  /** Number of keys loaded before; for a loading workload the number to load. */
  readonly storedKeys: number;
  /** Of what is drawn at random; 1 unless given. */
  readonly seed?: number;
}

/** Answers the bytes of the next request at each call. */
export function requestSource(workload: Workload, keys: KeyRange): () => Buffer {
  const nextKey = keySource(workload, keys);
  const startOfHead = startOf(workload);
  const restOfHead = ` HTTP/1.1\r\n${headerLines(workload)}\r\n`;
  if (workload.method === 'GET') return () => Buffer.from(startOfHead + nextKey() + restOfHead, 'latin1');
  const withNextValue = valueSource(bytesOf(workload));
  return () => withNextValue(startOfHead + nextKey() + restOfHead);
}

/** Answers a head with the next of many values behind it. */
export function valueSource(valueBytes: number): (head: string) => Buffer {
  const count = Math.max(2, Math.min(VALUE_COUNT, Math.floor(MAX_VALUES_BYTES / valueBytes)));
  const values = randomLetters(count * valueBytes);
  let requests = 0;
  return (head) => {
    const bytes = Buffer.allocUnsafe(head.length + valueBytes);
    bytes.write(head, 'latin1');
    const value = (requests++ % count) * valueBytes;
    values.copy(bytes, head.length, value, value + valueBytes);
    return bytes;
  };
}

/** Bytes of the values of a workload. */
export function bytesOf({ valueBytes = VALUE_BYTES }: Pick<Workload, 'valueBytes'>): number {
  return valueBytes;
}

/** `PUT /v1/kv/bench/`, for instance. */
export function startOf({ method, bucket = BUCKET }: Pick<Workload, 'method' | 'bucket'>): string {
  return `${method} /v1/kv/${bucket}/`;
}

/** Name of the key with this number, of those that were loaded. */
export function storedKey(number: number, valueBytes: number = VALUE_BYTES): string {
  const size = valueBytes === VALUE_BYTES ? '' : String(valueBytes);
  return `stored${size}-${String(number).padStart(8, '0')}`;
}

function keySource(workload: Workload, keys: KeyRange): () => string {
  const { distribution } = workload;
  const bytes = bytesOf(workload);
  let index = 0;
  if (workload.keys === 'fresh') return () => `${keys.freshPrefix}-${index++}`;
  // Placement hashes keys, so their order on disk is not the order here.
  if (distribution === undefined) return () => storedKey(index++ % keys.storedKeys, bytes);
  const next = keyNumbers(distribution, () => keys.storedKeys, seededRandom(keys.seed ?? 1));
  return () => storedKey(next(), bytes);
}

/** All headers of a request of this kind, each with the end of its line. */
export function headerLines(workload: Pick<Workload, 'method' | 'headers' | 'valueBytes'>): string {
  const body = workload.method === 'GET' ? {} : bodyHeaders(bytesOf(workload));
  return Object.entries({ Host: '127.0.0.1', Connection: 'keep-alive', ...body, ...workload.headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

function bodyHeaders(bytes: number): Readonly<Record<string, string>> {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': String(bytes) };
}

/** Letters of a linear congruential generator (Numerical Recipes): the same in each run, and without repeats to compress. */
export function randomLetters(bytes: number): Buffer {
  const letters = Buffer.alloc(bytes);
  let state = 1;
  for (let position = 0; position < bytes; position++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    letters[position] = LETTERS.charCodeAt(state >>> 26);
  }
  return letters;
}
