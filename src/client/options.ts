/** What a caller may ask of one call, and how it travels. Defaults of a bucket and of the client have the same form. */
import { HEADERS } from '../api/headers.ts';
import type { ConsistencyPreset } from '../api/headers.ts';
import type { Absent } from './entry.ts';
import { QuorateError } from './errors.ts';

/** Presets of reads and writes. */
export type Consistency = Extract<ConsistencyPreset, 'one' | 'quorum' | 'all'>;

/** Presets of reads, and of `update`. */
export type ReadConsistency = Consistency | Extract<ConsistencyPreset, 'linearizable'>;

/** Asked of every kind of call. */
export interface CallOptions {
  /**
   * Deadline of the whole call, all retries included, milliseconds: 1 to 600000, by default 5000. The call ends at most
   * 100 ms later, so that a node's own answer about its deadline can still arrive.
   */
  readonly timeoutMs?: number | undefined;
  /** Ends the call with the code `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** How many replicas a call waits for. What is left out is the bucket's business. */
export interface QuorumOptions {
  /**
   * `one`: fast, may be stale. `quorum`: a read that starts after an acknowledged write sees it. `all`: strict, and
   * unavailable when any home replica is. An explicit `r` or `w` wins.
   */
  readonly consistency?: Consistency | undefined;
  /** Copies that the key has. Given alone, it makes R and W its majority: R and W of the defaults do not apply then. */
  readonly n?: number | undefined;
  /** Whether a stand-in may count for an unreachable home replica; true by default. */
  readonly sloppy?: boolean | undefined;
}

/** Asked of a read. */
export interface ReadOptions extends CallOptions, Omit<QuorumOptions, 'consistency'> {
  /**
   * As for writes; and `linearizable`: the key as if there were one copy of it, among conditional writes, linearizable reads,
   * and plain writes that a majority of the home replicas has stored. A majority answers it, always of the bucket's N: not
   * together with `n`, `r` or `atLeast`.
   */
  readonly consistency?: ReadConsistency | undefined;
  /** Replicas that must answer. */
  readonly r?: number | undefined;
  /**
   * An earlier answer for this key, or its `context`: the read is at least as new as that (session consistency), else it fails
   * with `session-too-new`. So a client reads its own writes, and never goes back. Not together with `consistency`.
   */
  readonly atLeast?: SeenOptions['context'];
}

/** Asked of a write. */
export interface WriteOptions extends CallOptions, QuorumOptions {
  /** Replicas that must have stored the write durably. */
  readonly w?: number | undefined;
  /**
   * Your own unique id of this write, 1 to 64 visible ASCII characters. Repeating a write with its id is the same write.
   * By default each call has a fresh random id, which covers the retries inside the call.
   */
  readonly writeId?: string | undefined;
}

/** A write that follows from a read: what was read, or its context. */
export interface SeenOptions {
  /**
   * The answer of the read, or its `context`. The write supersedes exactly what that read saw. An absent entry may have
   * none: then there is nothing to supersede.
   */
  readonly context: string | undefined | { readonly context: string | undefined };
}

/** What a conditional write expects the key to hold. */
export interface ConditionOptions {
  /**
   * The `etag` of what was read or written, or the answer that has it: the key holds just that. `'absent'`, or a read that found
   * nothing: the key holds nothing.
   */
  readonly if: string | Absent | { readonly etag: string | undefined };
}

/** Asked of a conditional write. A majority of the key's home replicas decides it, always of the bucket's N. */
export interface CasOptions extends CallOptions {
  /** Your own unique id of this write, as of any write. */
  readonly writeId?: string | undefined;
}

/** Asked of `update`, which reads and writes. */
export interface UpdateOptions extends CallOptions, Omit<QuorumOptions, 'consistency'> {
  /**
   * As for writes. With `linearizable` it reads linearizably and writes by compare-and-set, so that no update is lost and no
   * sibling is made; not together with `n`, `r` or `w`.
   */
  readonly consistency?: ReadConsistency | undefined;
  readonly r?: number | undefined;
  readonly w?: number | undefined;
  /**
   * How often at most to read and write anew after a write that surely was not applied: 3 by default, with the consistency
   * `linearizable`, where others may win again and again, 64.
   */
  readonly maxRounds?: number | undefined;
}

/** Defaults of a bucket, or of a client. */
export interface DefaultOptions extends QuorumOptions {
  readonly r?: number | undefined;
  readonly w?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** All of the above at once, as the inside of the client carries it. */
export interface MergedOptions extends Omit<DefaultOptions, 'consistency'> {
  readonly consistency?: ReadConsistency | undefined;
  readonly atLeast?: SeenOptions['context'];
  readonly signal?: AbortSignal | undefined;
  readonly writeId?: string | undefined;
}

export const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 600_000;
const WRITE_CONSISTENCIES = ['one', 'quorum', 'all'] satisfies Consistency[];
const READ_CONSISTENCIES = [...WRITE_CONSISTENCIES, 'linearizable'] satisfies ReadConsistency[];

/**
 * `own` over `defaults`. On the wire an explicit R or W wins over a preset and over the majority of N, so a preset or an N
 * of this very call must silence the R and W of the defaults, which were chosen for another.
 */
export function mergeOptions(defaults: MergedOptions, own: MergedOptions): MergedOptions {
  const silenced = own.consistency !== undefined || own.n !== undefined;
  if (own.atLeast !== undefined && own.consistency !== undefined) {
    throw invalidArgument(
      'atLeast and consistency exclude one another',
      'Give one of them, and `r` beside it if need be.',
    );
  }
  // Who votes is the bucket's business: no number goes with a linearizable read.
  const isLinearizable = own.consistency === 'linearizable';
  const counts = {
    r: undefined,
    w: undefined,
    ...(isLinearizable ? { n: undefined, sloppy: undefined } : {}),
  };
  const base = silenced ? { ...defaults, ...counts } : defaults;
  return {
    consistency: own.consistency ?? base.consistency,
    n: own.n ?? base.n,
    r: own.r ?? base.r,
    w: own.w ?? base.w,
    sloppy: own.sloppy ?? base.sloppy,
    timeoutMs: own.timeoutMs ?? base.timeoutMs,
    signal: own.signal,
    writeId: own.writeId,
    atLeast: own.atLeast,
  };
}

/** Headers of a read: its quorum, and what it has to be as new as. */
export function readHeaders(options: MergedOptions): Record<string, string> {
  const headers = quorumHeaders(options, 'r');
  const token = contextToken(options.atLeast);
  if (token === undefined) return headers;
  return { ...headers, [HEADERS.consistency]: 'session', [HEADERS.context]: token };
}

/** Headers for N, R, W, preset and sloppiness. A read has no use for W, nor a write for R. */
export function quorumHeaders(options: MergedOptions, uses: 'r' | 'w' | 'rw'): Record<string, string> {
  const headers: Record<string, string> = {};
  if (options.consistency !== undefined) headers[HEADERS.consistency] = options.consistency;
  if (options.n !== undefined) headers[HEADERS.n] = String(options.n);
  if (options.r !== undefined && uses !== 'w') headers[HEADERS.r] = String(options.r);
  if (options.w !== undefined && uses !== 'r') headers[HEADERS.w] = String(options.w);
  if (options.sloppy !== undefined) headers[HEADERS.sloppy] = options.sloppy ? '?1' : '?0';
  return headers;
}

/** The token in what a caller gives as context. Throws `bad-context` unless it can be one. */
export function contextToken(seen: unknown): string | undefined {
  const token = typeof seen === 'object' && seen !== null ? (seen as { context?: unknown }).context : seen;
  if (token === undefined || (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token))) return token;
  throw new QuorateError('The context is not one that a read or a write answered', {
    code: 'bad-context',
    hint: 'Give the answer of the read, or its `context`, as it is.',
  });
}

/** Throws unless the options are possible: what only the cluster can judge (R above N, say) is left to it. */
export function assertCallOptions(options: MergedOptions, use: 'read' | 'write' = 'write'): void {
  const { consistency, timeoutMs, signal, writeId, sloppy } = options;
  assertQuorum(options);
  const possible: readonly unknown[] = use === 'read' ? READ_CONSISTENCIES : WRITE_CONSISTENCIES;
  if (consistency !== undefined && !possible.includes(consistency)) {
    throw invalidArgument(`consistency is ${String(consistency)}`, `It is one of ${possible.join(', ')}.`);
  }
  if (sloppy !== undefined && typeof sloppy !== 'boolean') {
    throw invalidArgument(`sloppy is ${String(sloppy)}`, 'It is true or false.');
  }
  if (timeoutMs !== undefined && !(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalidArgument(`timeoutMs is ${String(timeoutMs)}`, `It is 1 to ${MAX_TIMEOUT_MS} milliseconds.`);
  }
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw invalidArgument('signal is not an AbortSignal', 'Give the `signal` of an AbortController.');
  }
  if (writeId !== undefined && !(typeof writeId === 'string' && /^[\x21-\x7e]{1,64}$/.test(writeId))) {
    throw invalidArgument('writeId is not possible', 'It is 1 to 64 visible ASCII characters.');
  }
}

function assertQuorum(options: MergedOptions): void {
  for (const name of ['n', 'r', 'w'] as const) {
    const count = options[name];
    if (count === undefined || (Number.isInteger(count) && count >= 1)) continue;
    throw new QuorateError(`${name} is ${String(count)}`, {
      code: 'bad-quorum',
      hint: 'n, r and w are whole numbers from 1; r and w are at most n, and n at most the number of members.',
    });
  }
}

/** The error for an option or argument that is not possible. */
export function invalidArgument(message: string, hint: string): QuorateError {
  return new QuorateError(message, { code: 'invalid-argument', hint });
}
