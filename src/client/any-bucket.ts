/** What buckets with and without a resolver have in common: how a read, a write and a deletion become a call. */
import { entryPath } from '../api/paths.ts';
import { HEADERS } from '../api/headers.ts';
import {
  encoded,
  isBlindDeleteAnswer,
  isReadAnswer,
  isWriteAnswer,
  readDeleted,
  readEntry,
  readWritten,
} from './answer.ts';
import { base64UrlFromBytes } from './base64.ts';
import type { Call } from './call.ts';
import type { Codec } from './codec.ts';
import {
  DEFAULT_TIMEOUT_MS,
  assertCallOptions,
  contextToken,
  invalidArgument,
  mergeOptions,
  quorumHeaders,
  readHeaders,
} from './options.ts';
import type {
  MergedOptions,
  QuorumOptions,
  ReadOptions,
  SeenOptions,
  UpdateOptions,
  WriteOptions,
} from './options.ts';
import { Deadline } from './deadline.ts';
import type { Deleted, Entry, Written } from './entry.ts';
import { assertKey } from './entry-name.ts';
import type { TransportResponse } from './transport.ts';
import type { UpdateSteps } from './update.ts';

/** How a bucket reaches the cluster. */
export interface BucketSetup<T> {
  readonly name: string;
  readonly codec: Codec<T>;
  readonly defaults: MergedOptions;
  readonly carryOut: (call: Call) => Promise<TransportResponse>;
  /** Base URLs of the nodes that hold a key, the best to ask first. */
  readonly homeOf: (key: string, use: 'read' | 'write', n: number | undefined) => readonly string[];
}

/** A read or a write inside of `update` shares the deadline of the whole. */
export type Inner<Options> = Options & { readonly deadline?: Deadline };

/** `update` by plain reads and writes. */
export type PlainUpdateOptions = Omit<UpdateOptions, 'consistency'> & Pick<QuorumOptions, 'consistency'>;

/** Writing, and the steps of reading and of `update`. */
export abstract class AnyBucket<T> {
  readonly name: string;
  protected readonly setup: BucketSetup<T>;

  constructor(setup: BucketSetup<T>) {
    this.name = setup.name;
    this.setup = setup;
  }

  /**
   * Writes a value that follows from what was read. It supersedes exactly what that read saw; a value that somebody
   * wrote meanwhile stays beside it, as a sibling.
   */
  async put(key: string, value: T, options: WriteOptions & SeenOptions): Promise<Written> {
    return this.#put(key, value, options, seen(options, 'put', 'putBlind'));
  }

  /**
   * Writes a value without having read: for keys that are written once, or where a sibling is welcome. What the key
   * holds already is not superseded; both become siblings.
   */
  async putBlind(key: string, value: T, options: WriteOptions = {}): Promise<Written> {
    return this.#put(key, value, options, undefined);
  }

  /** Deletes what was read. A value that somebody wrote meanwhile stays. */
  async delete(key: string, options: WriteOptions & SeenOptions): Promise<Deleted> {
    return this.#delete(key, options, seen(options, 'delete', 'deleteBlind'));
  }

  /** Deletes whatever the node that takes the call can see. `r`: replicas to look at first. */
  async deleteBlind(key: string, options: WriteOptions & Pick<ReadOptions, 'r'> = {}): Promise<Deleted> {
    return this.#delete(key, options, undefined);
  }

  protected async read(key: string, own: Inner<ReadOptions>): Promise<Entry<T>> {
    const options = this.checked(key, own, 'read');
    // Linearizable reads of a key meet at its first home replica, as its conditional writes do.
    const use = options.consistency === 'linearizable' ? 'write' : 'read';
    const call: Call = {
      ...this.call('GET', use, key, options, own.deadline),
      // The bytes as they are, not the JSON envelope: it would cost a third more for binary values and write JSON anew,
      // and context and ETag come as headers anyway. Siblings come as an envelope all the same, with status 300.
      headers: { ...readHeaders(options), Accept: '*/*' },
      isAnswer: isReadAnswer,
    };
    return readEntry(await this.setup.carryOut(call), this.setup.codec, call.what);
  }

  /** The steps of `update`, all within one deadline. */
  protected steps(key: string, own: PlainUpdateOptions): UpdateSteps<T> {
    const options = this.checked(key, own, 'write');
    const deadline = new Deadline(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    // Each round writes under an id of its own: it is another write than the one before.
    const inner = { ...own, writeId: undefined, deadline };
    return {
      what: `update ${this.name}/${key}`,
      deadline,
      signal: own.signal,
      maxRounds: own.maxRounds,
      read: async () => this.read(key, inner),
      put: async (value, context) => this.#put(key, value, inner, context),
      delete: async (context) => this.#delete(key, inner, context),
    };
  }

  async #put(key: string, value: T, own: Inner<WriteOptions>, context: string | undefined): Promise<Written> {
    const options = this.checked(key, own, 'write');
    const write = writeIdentity(options);
    const { codec, carryOut } = this.setup;
    const base = this.call('PUT', 'write', key, options, own.deadline);
    const call: Call = {
      ...base,
      headers: {
        ...quorumHeaders(options, 'w'),
        ...contextHeader(context),
        'Content-Type': codec.contentType,
      },
      body: encoded(codec, value, base.what),
      write,
      isAnswer: isWriteAnswer,
    };
    return readWritten(await carryOut(call), write.id);
  }

  async #delete(key: string, own: Inner<WriteOptions>, context: string | undefined): Promise<Deleted> {
    const options = this.checked(key, own, 'write');
    const blind = context === undefined;
    const write = writeIdentity(options);
    const call: Call = {
      ...this.call('DELETE', 'write', key, options, own.deadline),
      headers: { ...quorumHeaders(options, blind ? 'rw' : 'w'), ...contextHeader(context) },
      // What a blind deletion deletes is decided when it arrives. A first attempt that arrives late, after a second one
      // was answered, would delete what was written since, unless it looks for its id like any other attempt.
      write: { ...write, fresh: write.fresh && !blind },
      isAnswer: blind ? isBlindDeleteAnswer : isWriteAnswer,
    };
    return readDeleted(await this.setup.carryOut(call), write.id);
  }

  /** The options of a call over the defaults of the bucket, found to be possible. */
  protected checked(key: string, own: MergedOptions, use: 'read' | 'write'): MergedOptions {
    assertKey(key);
    assertCallOptions(own, use);
    return mergeOptions(this.setup.defaults, own);
  }

  /** What calls of one key have in common. */
  protected call(
    method: Call['method'],
    use: 'read' | 'write',
    key: string,
    options: MergedOptions,
    deadline = new Deadline(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
  ): Omit<Call, 'headers' | 'isAnswer'> {
    return {
      method,
      path: entryPath(this.name, key),
      what: `${method} ${this.name}/${key}`,
      preferred: this.setup.homeOf(key, use, options.n),
      deadline,
      signal: options.signal,
    };
  }
}

/** A call from untyped code without a context is a mistake, not a blind write. */
function seen(options: SeenOptions | undefined, method: string, blindMethod: string): string | undefined {
  if (typeof options === 'object' && 'context' in options) return contextToken(options.context);
  throw invalidArgument(
    `${method} needs the context of what was read`,
    `Give { context: entry } with the answer of a read, or use ${blindMethod} to write without having read.`,
  );
}

function contextHeader(context: string | undefined): Record<string, string> {
  return context === undefined ? {} : { [HEADERS.context]: context };
}

/** The id of a write: the caller's, or one that was never used. */
export function writeIdentity(options: MergedOptions): NonNullable<Call['write']> {
  if (options.writeId !== undefined) return { id: options.writeId, fresh: false, isRepeated: true };
  const id = base64UrlFromBytes(crypto.getRandomValues(new Uint8Array(16)));
  return { id, fresh: true, isRepeated: false };
}
