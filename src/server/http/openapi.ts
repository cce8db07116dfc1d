/**
 * The OpenAPI description. Routes are described by `createRoute`, but served by plain handlers (routes.ts), so that no
 * schema stands in the way of a request; a test holds the two lists together.
 */
import { createRoute, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import { PROBLEMS } from '../../api/errors.ts';
import { CONSISTENCY_PRESETS, ENTRY_MEDIA_TYPE, HEADERS, PROBLEM_MEDIA_TYPE } from '../../api/headers.ts';
import { PATHS } from '../../api/paths.ts';
import { MAX_TIMEOUT_MS, MAX_WRITE_ID_CHARACTERS, MIN_TIMEOUT_MS } from '../../core/limits.ts';
import { VERSION } from '../version.ts';
import {
  ClusterSchema,
  EntrySchema,
  InspectionSchema,
  OutcomeSchema,
  LiveSchema,
  ProblemSchema,
  ReadySchema,
  RingSchema,
} from './openapi-schemas.ts';

type Responses = RouteConfig['responses'];

const flag = z.enum(['?0', '?1']);
const bytes = z.string().openapi({ format: 'binary' });
const entryParameters = z.object({
  bucket: z.string().describe('1 to 64 of A-Z a-z 0-9 . _ -'),
  key: z
    .string()
    .describe('1 to 1024 bytes of UTF-8; may contain "/", percent-encoded or not; no "." or ".." segment.'),
});

const sharedHeaders = {
  [HEADERS.n]: z.int().min(1).optional().describe('Replicas; alone it makes R and W its majority.'),
  [HEADERS.consistency]: z.enum(CONSISTENCY_PRESETS).optional(),
  [HEADERS.context]: z.string().optional().describe('Opaque causal token of an earlier answer for this key.'),
  [HEADERS.sloppy]: flag.optional().describe('?0: home replicas only.'),
  [HEADERS.timeoutMs]: z.int().min(MIN_TIMEOUT_MS).max(MAX_TIMEOUT_MS).optional(),
  [HEADERS.requestId]: z.string().optional(),
};
const readHeaders = z.object({
  ...sharedHeaders,
  [HEADERS.r]: z.int().min(1).optional(),
  Accept: z.string().optional(),
  'If-None-Match': z.string().optional(),
});
const writeHeaders = z.object({
  ...sharedHeaders,
  [HEADERS.w]: z.int().min(1).optional(),
  [HEADERS.writeId]: z.string().max(MAX_WRITE_ID_CHARACTERS).optional(),
  [HEADERS.attempt]: z.literal('1').optional().describe('The write id was never sent before.'),
  'If-Match': z
    .string()
    .optional()
    .describe('One strong ETag of an earlier answer: compare-and-set, atomic or refused. Without R and W.'),
  'If-None-Match': z.literal('*').optional().describe('Compare-and-set where nothing is there.'),
  Prefer: z
    .string()
    .optional()
    .describe('return=representation: the entry after a PUT, and in a 412 the entry that is there instead.'),
});
const deleteHeaders = writeHeaders.extend({
  [HEADERS.r]: z.int().min(1).optional().describe('Read quorum of a DELETE without a context.'),
});

function json(description: string, schema: z.ZodType, mediaType = 'application/json'): Responses[number] {
  return { description, content: { [mediaType]: { schema } } };
}

const envelope = (description: string): Responses[number] => json(description, EntrySchema, ENTRY_MEDIA_TYPE);
const noContent = (description: string): Responses[number] => ({ description });

/** One answer for each status that these problem codes have. */
function problems(...statuses: readonly number[]): Responses {
  const responses: Responses = {};
  for (const status of statuses) {
    const codes = Object.entries(PROBLEMS).flatMap(([code, kind]) => (kind.status === status ? [code] : []));
    responses[status] = json(codes.join(', '), ProblemSchema, PROBLEM_MEDIA_TYPE);
  }
  return responses;
}

const ENTRY_PATH = `${PATHS.kv}/{bucket}/{key}`;
const READ_PROBLEMS = [400, 401, 403, 404, 406, 431, 500, 501, 503, 504];
const WRITE_PROBLEMS = [400, 401, 403, 409, 412, 413, 415, 422, 428, 431, 500, 501, 503, 504, 507];

const valueOrSiblings: Responses = {
  200: {
    description: 'The value as it was stored, or the envelope where Accept asks for it.',
    content: { '*/*': { schema: bytes }, [ENTRY_MEDIA_TYPE]: { schema: EntrySchema } },
  },
  300: envelope('Several concurrently written values.'),
  304: noContent('The entry still has the ETag of If-None-Match.'),
  ...problems(...READ_PROBLEMS),
};
const entryRead = {
  path: ENTRY_PATH,
  request: {
    params: entryParameters,
    headers: readHeaders,
    query: z.object({ sibling: z.string().optional() }),
  },
  responses: valueOrSiblings,
};

/** Every described route, HEAD apart from GET. */
const ROUTES: readonly RouteConfig[] = [
  createRoute({ ...entryRead, method: 'get', summary: 'Read one entry' }),
  createRoute({ ...entryRead, method: 'head', summary: 'Read the headers of one entry' }),
  createRoute({
    method: 'put',
    path: ENTRY_PATH,
    summary: 'Write one value',
    request: {
      params: entryParameters,
      headers: writeHeaders,
      body: { content: { '*/*': { schema: bytes } }, required: true },
    },
    responses: {
      200: envelope('Written, and the entry was asked for.'),
      201: envelope('Written; no value was visible before. The envelope only if it was asked for.'),
      204: noContent('Written.'),
      ...problems(...WRITE_PROBLEMS),
    },
  }),
  createRoute({
    method: 'delete',
    path: ENTRY_PATH,
    summary: 'Delete what the context covers, or what is read',
    request: { params: entryParameters, headers: deleteHeaders },
    responses: { 204: noContent('Deleted.'), ...problems(404, ...WRITE_PROBLEMS) },
  }),
  createRoute({
    method: 'get',
    path: `${PATHS.kv}/{bucket}`,
    summary: 'List keys (not built yet)',
    request: { params: entryParameters.pick({ bucket: true }) },
    responses: problems(400, 401, 501, 503),
  }),
  createRoute({
    method: 'get',
    path: `${PATHS.inspect}/{bucket}/{key}`,
    summary: "Every replica's own view of one key",
    request: { params: entryParameters },
    responses: { 200: json('The views.', InspectionSchema), ...problems(400, 401, 500, 503) },
  }),
  createRoute({
    method: 'get',
    path: `${PATHS.outcome}/{bucket}/{key}`,
    summary: 'What became of a conditional write whose outcome is unknown',
    description:
      'Settles it: if no conditional write of the id has taken place, the id is refused from now on. Of a plain write it says whether a majority of the home replicas knows it; one that they do not know may still appear.',
    request: { params: entryParameters, query: z.object({ writeId: z.string().min(1).max(64) }) },
    responses: { 200: json('What became of it.', OutcomeSchema), ...problems(400, 401, 403, 500, 503, 504) },
  }),
  describedGet(PATHS.ring, 'Partitions and their owners', {
    200: json('The ring.', RingSchema),
    ...problems(401),
  }),
  describedGet(PATHS.cluster, 'Members and limits', {
    200: json('The cluster.', ClusterSchema),
    ...problems(401),
  }),
  describedGet(PATHS.livez, 'Whether event loop and storage answer', {
    200: json('Live.', LiveSchema),
    503: json('Not live.', LiveSchema),
  }),
  createRoute({
    method: 'get',
    path: PATHS.readyz,
    summary: 'Whether this node serves',
    request: { query: z.object({ quorum: flagNumber() }) },
    responses: { 200: json('Ready.', ReadySchema), 503: json('Not ready.', ReadySchema) },
  }),
  describedGet(PATHS.metrics, 'Metrics for Prometheus', {
    200: { description: 'Prometheus text format.', content: { 'text/plain': { schema: z.string() } } },
    ...problems(401),
  }),
  describedGet(PATHS.openapi, 'This description', { 200: json('OpenAPI 3.1.', z.looseObject({})) }),
  describedGet('/', 'Help', {
    200: { description: 'Help.', content: { 'text/plain': { schema: z.string() } } },
  }),
];

function describedGet(path: string, summary: string, responses: Responses): RouteConfig {
  return createRoute({ method: 'get', path, summary, responses });
}

function flagNumber(): z.ZodType {
  return z
    .enum(['0', '1'])
    .optional()
    .describe('1: ask also whether the ranges of this node have a majority.');
}

function describe(): string {
  const app = new OpenAPIHono();
  for (const route of ROUTES) app.openAPIRegistry.registerPath(route);
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Quorate', version: VERSION, license: { name: 'MIT' } },
    security: [{}, { bearer: [] }],
  });
  return `${JSON.stringify(document)}\n`;
}

/** The whole description as JSON text. */
export const OPENAPI_TEXT: string = describe();
