/**
 * The requests of the bench as bytes.
 *
 * Each is laid out at once, head and body in one buffer: autocannon's own builder, asked for a new path per request, costs
 * 11 of 27 microseconds, which on two cores would be taken from the nodes. The yardstick gets the very same bytes.
 *
 * Values are letters that differ from record to record: LevelDB compresses its blocks, and equal values would make the
 * disk look better than it is.
 */

/** Bytes of every value. */
export const VALUE_BYTES = 1024;
/** Different values; neighbours on disk are hardly ever equal. */
const VALUE_COUNT = 1024;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BUCKET = 'bench';
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
}

/** Which keys to use. */
export interface KeyRange {
  /** Begins each fresh key; must differ between measurements. */
  readonly freshPrefix: string;
  /** Number of keys loaded before; for a loading workload the number to load. */
  readonly storedKeys: number;
}

/** Answers the bytes of the next request at each call. */
export function requestSource(workload: Workload, keys: KeyRange): () => Buffer {
  const nextKey = keySource(workload, keys);
  const startOfHead = startOf(workload);
  const restOfHead = ` HTTP/1.1\r\n${headerLines(workload)}\r\n`;
  if (workload.method === 'GET') return () => Buffer.from(startOfHead + nextKey() + restOfHead, 'latin1');
  const values = randomLetters(VALUE_COUNT * VALUE_BYTES);
  let requests = 0;
  return () => {
    const head = startOfHead + nextKey() + restOfHead;
    const bytes = Buffer.allocUnsafe(head.length + VALUE_BYTES);
    bytes.write(head, 'latin1');
    const value = (requests++ % VALUE_COUNT) * VALUE_BYTES;
    values.copy(bytes, head.length, value, value + VALUE_BYTES);
    return bytes;
  };
}

/** The requests of one connection on a key of its own. */
export interface OwnKeyRequests {
  /** The bytes of the next request. */
  readonly next: () => Buffer;
  /** The ETag of the last answer. */
  readonly answered: (etag: string) => void;
}

export function ownKeyRequests(workload: Workload, key: string): OwnKeyRequests {
  const value = randomLetters(VALUE_BYTES).toString('latin1');
  let condition: Readonly<Record<string, string>> = { 'If-None-Match': '*' };
  return {
    next: () => {
      const headers = headerLines({ ...workload, headers: { ...workload.headers, ...condition } });
      return Buffer.from(`${startOf(workload)}${key} HTTP/1.1\r\n${headers}\r\n${value}`, 'latin1');
    },
    answered: (etag) => {
      condition = { 'If-Match': etag };
    },
  };
}

function startOf({ method, bucket = BUCKET }: Workload): string {
  return `${method} /v1/kv/${bucket}/`;
}

function keySource(workload: Workload, keys: KeyRange): () => string {
  let index = 0;
  if (workload.keys === 'fresh') return () => `${keys.freshPrefix}-${index++}`;
  // Placement hashes keys, so their order on disk is not the order here.
  return () => `stored-${String(index++ % keys.storedKeys).padStart(8, '0')}`;
}

function headerLines(workload: Workload): string {
  const body = workload.method === 'GET' ? {} : bodyHeaders();
  return Object.entries({ Host: '127.0.0.1', Connection: 'keep-alive', ...body, ...workload.headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

function bodyHeaders(): Readonly<Record<string, string>> {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': String(VALUE_BYTES) };
}

/** Letters of a linear congruential generator (Numerical Recipes): the same in each run, and without repeats to compress. */
function randomLetters(bytes: number): Buffer {
  const letters = Buffer.alloc(bytes);
  let state = 1;
  for (let position = 0; position < bytes; position++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    letters[position] = LETTERS.charCodeAt(state >>> 26);
  }
  return letters;
}
