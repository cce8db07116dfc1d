/** The bodies of the API as schemas, for the description only: nothing is checked against them at run time. */
import { z } from '@hono/zod-openapi';
import { PROBLEMS, type ProblemCode } from '../../api/errors.ts';

const problemCodes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];
const quorumNumbers = { n: z.int(), r: z.int(), w: z.int() };

export const ProblemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum(problemCodes),
    outcome: z
      .enum(['not-applied', 'unknown'])
      .describe('`unknown` may have been applied, now or later, or never.'),
    requestId: z.string(),
    hint: z.string().optional(),
    required: z.int().optional(),
    received: z.int().optional(),
    replicas: z.array(z.object({ node: z.string(), result: z.string(), ms: z.number() })).optional(),
    retryAfterMs: z.number().optional(),
  })
  .openapi('Problem');

const LiveSiblingSchema = z
  .object({
    id: z.string(),
    contentType: z.string(),
    writtenAt: z.iso.datetime(),
    writeId: z.string().optional(),
    json: z.unknown().optional().describe('The value, if its type is JSON and it parses.'),
    text: z.string().optional().describe('Else the value, if it is UTF-8 text.'),
    base64: z.string().optional().describe('Else the value in base64.'),
  })
  .openapi('LiveSibling');

const TombstoneSchema = z.object({ id: z.string(), deleted: z.literal(true) }).openapi('Tombstone');

export const EntrySchema = z
  .object({
    bucket: z.string(),
    key: z.string(),
    context: z.string().describe('Send it back with the write that resolves these siblings.'),
    etag: z.string(),
    siblings: z.array(z.union([LiveSiblingSchema, TombstoneSchema])),
  })
  .openapi('Entry');

const bucketSchema = z.object({ ...quorumNumbers, mode: z.enum(['mixed', 'cas']) });

export const RingSchema = z
  .object({
    cluster: z.string(),
    epoch: z.string(),
    partitions: z.int(),
    hash: z.object({ name: z.literal('xxh64'), seed: z.int() }),
    nodes: z.array(z.object({ id: z.string(), zone: z.string(), url: z.string() })),
    defaults: z.object(quorumNumbers),
    buckets: z.record(z.string(), bucketSchema),
    preferenceLists: z
      .array(z.array(z.int()))
      .describe('For each partition indexes into `nodes`, home replicas first.'),
  })
  .openapi('Ring');

const MemberSchema = z.object({
  id: z.string(),
  zone: z.string(),
  url: z.string(),
  peerAddress: z.string(),
  state: z.enum(['self', 'up', 'down']),
  since: z.iso.datetime(),
  storeId: z.string().optional(),
  incarnation: z.string().optional(),
  reason: z.string().optional(),
  hints: z
    .object({ pending: z.int(), bytes: z.int(), oldestAgeSeconds: z.int() })
    .optional()
    .describe('What the answering node keeps for it, to hand over when it is back.'),
});

export const ClusterSchema = z
  .object({
    cluster: z.string(),
    epoch: z.string(),
    node: z.string(),
    version: z.string(),
    defaults: z.object(quorumNumbers),
    members: z.array(MemberSchema),
    recovery: z
      .object({ partitions: z.int(), waitingFor: z.array(z.string()) })
      .describe('What the answering node lost and has not got back yet.'),
    activity: z
      .object({ repairs: z.int(), conflicts: z.int() })
      .describe(
        'What the answering node has done since its process began: records repaired, writes that left several siblings.',
      ),
    limits: z.record(z.string(), z.number()),
  })
  .openapi('Cluster');

const inspectedSibling = z.object({
  id: z.string(),
  writtenAt: z.iso.datetime(),
  contentType: z.string().optional(),
  bytes: z.int().optional(),
  writeId: z.string().optional(),
  deleted: z.literal(true).optional(),
});

const ballot = z
  .object({ time: z.iso.datetime(), counter: z.int(), node: z.string() })
  .describe('The number of a round; rounds are ordered by time, then counter, then node.');

const vote = z
  .object({
    votes: z.boolean(),
    reason: z.string().optional().describe('Why it does not vote on the key now.'),
    promised: ballot.optional(),
    accepted: ballot.optional(),
    chosen: ballot.optional(),
    unfinished: z.boolean().describe('Whether it accepted something that it does not know to be chosen.'),
  })
  .describe('What a home replica keeps as a voter in the rounds of conditional requests.');

export const InspectionSchema = z
  .object({
    bucket: z.string(),
    key: z.string(),
    partition: z.int(),
    preferenceList: z.array(z.string()),
    n: z.int(),
    agree: z.boolean().describe('Whether all home replicas answered and hold the same record.'),
    replicas: z.array(
      z.object({
        node: z.string(),
        result: z.enum(['found', 'absent', 'unreadable', 'unreachable', 'recovering']),
        ms: z.number(),
        digest: z.string().optional(),
        context: z.string().optional(),
        etag: z.string().optional(),
        vote: vote.optional(),
        siblings: z.array(inspectedSibling).optional(),
      }),
    ),
  })
  .openapi('Inspection');

export const OutcomeSchema = z
  .object({
    bucket: z.string(),
    key: z.string(),
    writeId: z.string(),
    state: z
      .enum(['applied', 'superseded', 'never-applied', 'too-old'])
      .describe(
        'never-applied: no conditional write of this id has taken place, and none will. too-old: the key may have forgotten the id since.',
      ),
    etag: z.string().optional(),
  })
  .openapi('Outcome');

export const ReadySchema = z
  .object({ ready: z.boolean(), reasons: z.array(z.string()), notes: z.array(z.string()).optional() })
  .openapi('Ready');

export const LiveSchema = z
  .object({ live: z.boolean(), reasons: z.array(z.string()).optional() })
  .openapi('Live');
