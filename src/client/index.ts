/**
 * The client of a Quorate cluster. It needs nothing beyond the web platform, so it runs in Node and in browsers alike.
 *
 * `connect` gives a client, `client.bucket(name)` a bucket with `get`, `put`, `delete` and `update`. A read of a key whose
 * values were written concurrently answers them all, as a `conflict`; the write that is given its context resolves it. A
 * bucket with a resolver (`lastWriteWins`, `union`, …) does so by itself. Where one writer has to win there are `cas`, `create`,
 * `deleteIf`, and `get` and `update` with the consistency `linearizable`. What fails throws a `QuorateError`, which says
 * whether a write may have been applied.
 *
 * @example
 * const carts = connect({ nodes: ['127.0.0.1:7001'] }).bucket<string[]>('carts', { resolve: union });
 * await carts.update('ann', (items = []) => [...items, 'milk']);
 */
export { connect } from './connect.ts';
export type { BucketOptions, Client, ResolvingBucketOptions } from './connect.ts';
export type { ConnectOptions } from './connect-options.ts';
export type { Bucket, ResolvingBucket } from './bucket.ts';
export { DELETE } from './update.ts';
export type { Change } from './update.ts';
export { bytes, json, text } from './codec.ts';
export type { Codec } from './codec.ts';
export { largest, lastWriteWins, perField, smallest, union, unionBy } from './resolve.ts';
export type { Resolver } from './resolve.ts';
export type {
  Absent,
  AnswerFacts,
  CasResult,
  Conflict,
  Deleted,
  DeleteIfResult,
  Entry,
  Found,
  LostRace,
  Quorum,
  ResolvedEntry,
  Sibling,
  Siblings,
  Swapped,
  SwappedAway,
  Unchanged,
  Updated,
  WriteOutcome,
  Written,
} from './entry.ts';
export type {
  CallOptions,
  CasOptions,
  ConditionOptions,
  Consistency,
  DefaultOptions,
  QuorumOptions,
  ReadConsistency,
  ReadOptions,
  SeenOptions,
  UpdateOptions,
  WriteOptions,
} from './options.ts';
export { QuorateError } from './errors.ts';
export type { AttemptReport, ClientErrorCode, QuorateErrorCode, QuorateErrorDetails } from './errors.ts';
export { fetchTransport } from './transport.ts';
export type { Transport, TransportRequest, TransportResponse } from './transport.ts';
export { TransportError, transportErrorFrom } from './transport-error.ts';
export type { TransportErrorDetails } from './transport-error.ts';
export type {
  ClusterBody,
  EntryBody,
  InspectBody,
  ProblemBody,
  RingBody,
  WriteState,
} from '../api/bodies.ts';
