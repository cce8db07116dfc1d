/** The front door: `connect` and the client that it answers. */
import type { ClusterBody, InspectBody, RingBody } from '../api/bodies.ts';
import { PATHS, inspectPath } from '../api/paths.ts';
import type { BucketSetup } from './any-bucket.ts';
import { Bucket, ResolvingBucket } from './bucket.ts';
import { carryOut } from './call.ts';
import type { CallEnvironment } from './call.ts';
import { json } from './codec.ts';
import type { Codec } from './codec.ts';
import { readConnectOptions } from './connect-options.ts';
import type { ConnectOptions } from './connect-options.ts';
import { Deadline, nowMs } from './deadline.ts';
import { assertBucketName, assertKey } from './entry-name.ts';
import { NodeDirectory, rotated } from './node-directory.ts';
import {
  DEFAULT_TIMEOUT_MS,
  assertCallOptions,
  invalidArgument,
  mergeOptions,
  quorumHeaders,
} from './options.ts';
import type { CallOptions, DefaultOptions, MergedOptions, QuorumOptions } from './options.ts';
import { addressOf, homeReplicas, isUsableRing, withBaseUrls } from './placement.ts';
import type { Resolver } from './resolve.ts';
import { RingCache } from './ring-cache.ts';
import type { TransportResponse } from './transport.ts';

/** How a bucket's values are written, and the defaults of its calls. */
export interface BucketOptions<T> extends DefaultOptions {
  /** JSON by default. */
  readonly codec?: Codec<T> | undefined;
}

/** A bucket that resolves siblings by itself. */
export interface ResolvingBucketOptions<T> extends BucketOptions<T> {
  /** Makes one value of siblings: a resolver of this package, or your own pure function. */
  readonly resolve: Resolver<T>;
}

/**
 * A client of the cluster whose nodes are at these base URLs (or `host:port`). Nothing is sent until the first call, and
 * nothing needs closing. Throws `invalid-argument`, naming everything that is wrong with the options.
 */
export function connect(options: ConnectOptions): Client {
  return new Client(options);
}

/** Time for a fetch of the ring in the background, milliseconds. */
const RING_TIMEOUT_MS = 2_000;

/** A client of one cluster; made by {@link connect}. Safe to share. */
export class Client {
  readonly #defaults: DefaultOptions;
  readonly #environment: CallEnvironment;
  readonly #ring: RingCache | undefined;
  #reads = 0;

  constructor(options: ConnectOptions) {
    const { seeds, routing, defaults, ...shared } = readConnectOptions(options);
    this.#defaults = defaults;
    const nodes = new NodeDirectory(seeds, nowMs);
    this.#environment = { ...shared, nodes, onNodeFailed: () => this.#ring?.doubt() };
    if (routing === 'round-robin') return;
    this.#ring = new RingCache({
      fetchRing: async () => this.#usableRing(seeds),
      onRing: (ring) => nodes.advertise(ring.nodes.flatMap(addressOf)),
      now: nowMs,
    });
  }

  /** The values of a bucket, which needs no creation. With a resolver, no read answers `conflict`. */
  bucket<T = unknown>(name: string, options: ResolvingBucketOptions<T>): ResolvingBucket<T>;
  bucket<T = unknown>(name: string, options?: BucketOptions<T> & { readonly resolve?: undefined }): Bucket<T>;
  bucket<T>(name: string, options: BucketOptions<T> & { readonly resolve?: Resolver<T> | undefined } = {}) {
    const { codec = json<T>(), resolve, ...own } = options;
    assertBucketName(name);
    assertCallOptions(own);
    assertCodec(codec);
    const setup: BucketSetup<T> = {
      name,
      codec,
      defaults: mergeOptions(this.#defaults, own),
      carryOut: async (call) => carryOut(this.#environment, call),
      homeOf: (key, use, n) => this.#homeOf(name, key, use, n),
    };
    if (resolve === undefined) return new Bucket(setup);
    if (typeof resolve === 'function') return new ResolvingBucket(setup, resolve);
    throw invalidArgument(
      'resolve is not a function',
      'It takes siblings and answers one value, for instance `union`.',
    );
  }

  /** The ring as a node publishes it: partitions, members, and who holds what. */
  async ring(options: CallOptions = {}): Promise<RingBody> {
    return (await this.#getJson(PATHS.ring, options)) as RingBody;
  }

  /** The members as one node sees them: who is up, which versions, which limits. */
  async cluster(options: CallOptions = {}): Promise<ClusterBody> {
    return (await this.#getJson(PATHS.cluster, options)) as ClusterBody;
  }

  /** Every replica's own view of one key, and its preference list: for people and for debugging. */
  async inspect(
    bucket: string,
    key: string,
    options: CallOptions & Pick<QuorumOptions, 'n'> = {},
  ): Promise<InspectBody> {
    assertBucketName(bucket);
    assertKey(key);
    return (await this.#getJson(inspectPath(bucket, key), options)) as InspectBody;
  }

  async #getJson(path: string, own: MergedOptions): Promise<unknown> {
    assertCallOptions(own);
    const response = await carryOut(this.#environment, {
      method: 'GET',
      path,
      what: `GET ${path}`,
      headers: { ...quorumHeaders({ n: own.n }, 'r'), Accept: 'application/json, application/problem+json' },
      preferred: [],
      deadline: new Deadline(own.timeoutMs ?? this.#defaults.timeoutMs ?? DEFAULT_TIMEOUT_MS),
      signal: own.signal,
      isAnswer: (answer) => answer.status === 200 && jsonObjectOf(answer) !== undefined,
    });
    return jsonObjectOf(response);
  }

  async #usableRing(seeds: readonly string[]): Promise<RingBody> {
    const ring = await this.ring({ timeoutMs: RING_TIMEOUT_MS });
    if (!isUsableRing(ring)) throw new TypeError('This ring cannot be used for routing');
    return withBaseUrls(ring, seeds);
  }

  /**
   * Writes go to the first home replica, so that concurrent writers of a key meet at one node. Reads go to the home
   * replicas in turn.
   */
  #homeOf(bucket: string, key: string, use: 'read' | 'write', n: number | undefined): readonly string[] {
    const ring = this.#ring?.current();
    if (ring === undefined) return [];
    const home = homeReplicas(ring, bucket, key, n);
    if (use === 'write') return home;
    this.#reads += 1;
    return rotated(home, this.#reads);
  }
}

function jsonObjectOf(response: TransportResponse): object | undefined {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(response.body));
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

/** A content type as a header can carry it; nodes keep at most 256 characters. */
const CONTENT_TYPE = /^[\x21-\x7e][\x20-\x7e]{0,255}$/;

/** For untyped callers; `json` without its parentheses is the likely mistake. */
function assertCodec(codec: Partial<Codec<unknown>> | undefined): void {
  const { contentType, encode, decode } = codec ?? {};
  if (typeof contentType !== 'string' || typeof encode !== 'function' || typeof decode !== 'function') {
    throw invalidArgument(
      'codec is none',
      'Use json(), text or bytes, or give { contentType, encode, decode }.',
    );
  }
  if (CONTENT_TYPE.test(contentType)) return;
  throw invalidArgument(
    `the codec's content type ${JSON.stringify(contentType)} is not possible`,
    'It is 1 to 256 characters of ASCII, for instance application/cbor.',
  );
}
