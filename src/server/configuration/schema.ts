/**
 * What may stand in cluster.config.json: the one list of all settings, from which the environment variables and the
 * candidates of a did-you-mean follow too. Each value is checked by itself here; what depends on others is in
 * cross-checks.ts. Defaults are filled in afterwards (defaults.ts), so that checks see what was really written.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { MAX_BUCKET_CHARACTERS, MAX_NODES } from '../../core/limits.ts';
import { isBucketName } from '../http/entry-name.ts';
import { LOG_LEVELS } from '../node-settings.ts';
import {
  choice,
  integer,
  powerOfTwo,
  says,
  saysOfSecret,
  secretText,
  section,
  share,
  text,
} from './rules.ts';

const MEBIBYTE = 1024 * 1024;

const PARTITIONS = { min: 8, max: 65_536 };
const PORT = { min: 1, max: 65_535 };
const REPLICAS = { min: 1, max: MAX_NODES };
/** A body is held in memory whole, and so is each of its copies on the way to a replica. */
const VALUE_BYTES = { min: 1, max: 64 * MEBIBYTE, unit: 'bytes' };
/** Well below the largest message between nodes, so that a record at its bound still travels. */
const RECORD_BYTES = { min: 1, max: 128 * MEBIBYTE, unit: 'bytes' };
const SIBLINGS = { min: 1, max: 4_096 };
const OPERATIONS = { min: 1, max: 65_536 };
/** 0 lets no node stand in for another. */
const HINTS = { min: 0, max: Number.MAX_SAFE_INTEGER };
const HINT_BYTES = { min: 0, max: Number.MAX_SAFE_INTEGER, unit: 'bytes' };
const RESERVE_BYTES = { min: 0, max: Number.MAX_SAFE_INTEGER, unit: 'bytes' };
/** Longer than any client goes on repeating a write; to ten years. */
const REAP_AFTER = { min: 600, max: 315_360_000, unit: 'seconds' };
/** LevelDB itself takes nothing outside of these. */
const WRITE_BUFFER_BYTES = { min: MEBIBYTE / 16, max: 1024 * MEBIBYTE, unit: 'bytes' };
const SECRET_CHARACTERS = { min: 8, max: 512 };
const MAX_LISTED = 1_000;

const NAME_RULE = `1 to ${MAX_BUCKET_CHARACTERS} characters of A-Z a-z 0-9 . _ - and neither "." nor ".."`;
const HOST_RULE = 'a host name or an IP address, without scheme, port and brackets';
const ORIGIN_RULE = '"*" or an origin like "https://app.example.org"';
const SECRET_RULE = `a text of ${SECRET_CHARACTERS.min} to ${SECRET_CHARACTERS.max} characters`;
const TOKEN_RULE = `${SECRET_CHARACTERS.min} to ${SECRET_CHARACTERS.max} characters of A-Z a-z 0-9 - . _ ~ + / with "=" at the end only`;

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;
/** What has only digits and dots is an IP address, or a slip in one. */
const DIGITS_AND_DOTS = /^[0-9.]+$/;
const EVERY_ADDRESS: ReadonlySet<unknown> = new Set(['0.0.0.0', '::']);
/** Of a scheme other than HTTP's, as pages in an app shell have it. */
const OTHER_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/,?#]+$/;
/** What a bearer token may consist of (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Ids name directories and stand in variables, zones and clusters in tables: the characters of bucket names suit all. */
const name = () => text(NAME_RULE, isBucketName);
const port = () => integer(PORT);
const replicas = () => integer(REPLICAS).optional();

const nodeSchema = z.strictObject(
  {
    id: name(),
    host: text(HOST_RULE, (host) => isHost(host) && !EVERY_ADDRESS.has(host), hostAdvice),
    httpPort: port(),
    peerPort: port(),
    bind: text(HOST_RULE, isHost).optional(),
    zone: name().optional(),
  },
  says('an object with "id", "host", "httpPort" and "peerPort"'),
);

const bucketSchema = z.strictObject(
  { n: replicas(), r: replicas(), w: replicas(), mode: choice(['mixed', 'cas']).optional() },
  says('an object that may have "n", "r", "w" and "mode"'),
);

const tokenSchema = z.strictObject(
  {
    token: secretText(TOKEN_RULE, (token) => TOKEN.test(token) && isSecretLength(token)),
    access: choice(['read', 'write']),
  },
  saysOfSecret('an object with "token" and "access"'),
);

/** The file as it is written, except that `buckets` is a Map, in which `__proto__` is a name like any other. */
export const fileSchema = z.strictObject(
  {
    cluster: name(),
    partitions: powerOfTwo(PARTITIONS).optional(),
    dataDir: text('the path of a directory', isDirectoryPath).optional(),
    nodes: z
      .array(nodeSchema, says('a list of nodes'))
      .min(1, { error: 'It must name at least one node.' })
      .max(MAX_NODES, { error: `It may name at most ${MAX_NODES} nodes.` }),
    defaults: section({ n: replicas(), r: replicas(), w: replicas() }),
    buckets: z
      .map(
        text('the name of a bucket', isBucketName, () => ` That is ${NAME_RULE}.`),
        bucketSchema,
        says('an object with a property for each bucket'),
      )
      .optional(),
    limits: section({
      maxValueBytes: integer(VALUE_BYTES).optional(),
      maxSiblings: integer(SIBLINGS).optional(),
      maxRecordBytes: integer(RECORD_BYTES).optional(),
      maxOperationsInFlight: integer(OPERATIONS).optional(),
      maxHintsPerOwner: integer(HINTS).optional(),
      maxHintBytes: integer(HINT_BYTES).optional(),
    }),
    storage: section({
      fsync: z.boolean(says('true or false')).optional(),
      reserveBytes: integer(RESERVE_BYTES).optional(),
      writeBufferBytes: integer(WRITE_BUFFER_BYTES).optional(),
    }),
    tombstones: section({ reapAfterSeconds: integer(REAP_AFTER).optional() }),
    reads: section({ askAllShare: share().optional() }),
    cors: section({
      origins: z
        .array(text(ORIGIN_RULE, isOrigin, originAdvice), says('a list of origins'))
        .max(MAX_LISTED, { error: `It may list at most ${MAX_LISTED} origins.` })
        .optional(),
    }),
    auth: section({
      tokens: z
        .array(tokenSchema, saysOfSecret('a list of objects with "token" and "access"'))
        .max(MAX_LISTED, { error: `It may list at most ${MAX_LISTED} tokens.` })
        .optional(),
    }),
    peerSecret: secretText(SECRET_RULE, isSecretLength).optional(),
    log: section({ level: choice(LOG_LEVELS).optional() }),
  },
  says('an object with "cluster" and "nodes"'),
);

/** A file in which every value is allowed. */
export type FileDocument = z.infer<typeof fileSchema>;

function isHost(host: string): boolean {
  return isIP(host) !== 0 || (HOST_NAME.test(host) && !DIGITS_AND_DOTS.test(host));
}

function hostAdvice(input: unknown): string {
  if (!EVERY_ADDRESS.has(input)) return '';
  return ' Nobody can call that address: put it into "bind", and into "host" how others reach the node.';
}

function isDirectoryPath(path: string): boolean {
  return path.trim() !== '' && !path.includes('\0');
}

function isOrigin(origin: string): boolean {
  if (origin === '*') return true;
  const own = httpOrigin(origin);
  return own === undefined ? OTHER_ORIGIN.test(origin) : own === origin;
}

function originAdvice(input: unknown): string {
  const origin = typeof input === 'string' ? httpOrigin(input) : undefined;
  return origin === undefined ? '' : ` Did you mean "${origin}"?`;
}

/** The origin of an HTTP URL; undefined if it is none. */
function httpOrigin(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, origin } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? origin : undefined;
}

function isSecretLength(secret: string): boolean {
  return secret.length >= SECRET_CHARACTERS.min && secret.length <= SECRET_CHARACTERS.max;
}
