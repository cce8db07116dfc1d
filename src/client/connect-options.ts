/** The options of `connect`, validated wholly: all problems at once. */
import { baseUrlOf } from './base-url.ts';
import { QuorateError, messageOf } from './errors.ts';
import { assertCallOptions, invalidArgument } from './options.ts';
import type { DefaultOptions } from './options.ts';
import { DEFAULT_MAX_RESPONSE_BYTES, fetchTransport } from './transport.ts';
import type { Transport } from './transport.ts';

/** What {@link connect} takes. The consistency, n, r, w, sloppy and timeoutMs are defaults of every call. */
export interface ConnectOptions extends DefaultOptions {
  /** Base URLs of some or all nodes, or `host:port`. One is enough to find the others; more survive its absence. */
  readonly nodes: readonly string[];
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** How requests travel; by default the platform's `fetch`. */
  readonly transport?: Transport | undefined;
  /** Attempts of one call at most; 8 by default. */
  readonly maxAttempts?: number | undefined;
  /** Bytes of one answer at most, all siblings of a key together; 64 MiB by default. A larger one is an error. */
  readonly maxResponseBytes?: number | undefined;
  /**
   * `ring` (default): learn from the cluster which nodes hold a key, and ask those first. `round-robin`: only the given
   * nodes in turn, for instance because a load balancer stands in front.
   */
  readonly routing?: 'ring' | 'round-robin' | undefined;
}

/** Options that are known to be possible. */
export interface ReadyConnectOptions {
  /** Base URLs without a slash at the end. */
  readonly seeds: readonly string[];
  readonly transport: Transport;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxAttempts: number;
  readonly maxResponseBytes: number;
  readonly routing: 'ring' | 'round-robin';
  readonly defaults: DefaultOptions;
}

const DEFAULT_MAX_ATTEMPTS = 8;
const NAMES = new Set<string>([
  'nodes',
  'token',
  'transport',
  'maxAttempts',
  'maxResponseBytes',
  'routing',
  'consistency',
  'n',
  'r',
  'w',
  'sloppy',
  'timeoutMs',
] satisfies (keyof ConnectOptions)[]);

/** Throws `invalid-argument` with everything that is wrong. */
export function readConnectOptions(options: ConnectOptions): ReadyConnectOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('connect needs options', "For instance connect({ nodes: ['127.0.0.1:7001'] }).");
  }
  const { nodes, token, transport, maxAttempts, maxResponseBytes, routing, ...defaults } = options;
  const problems: string[] = [];
  const seeds = readSeeds(nodes, problems);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    problems.push('token is not visible ASCII without spaces');
  if (transport !== undefined && typeof transport !== 'function')
    problems.push('transport is not a function');
  for (const [name, count] of Object.entries({ maxAttempts, maxResponseBytes })) {
    if (count === undefined || (Number.isInteger(count) && count >= 1)) continue;
    problems.push(`${name} is ${String(count)}, not a whole number from 1`);
  }
  if (routing !== undefined && routing !== 'ring' && routing !== 'round-robin') {
    problems.push(`routing is ${String(routing)}, not ring or round-robin`);
  }
  problems.push(...unknownNames(options), ...problemsOfDefaults(defaults));
  if (problems.length > 0) {
    throw new QuorateError(`connect: ${problems.join('; ')}`, {
      code: 'invalid-argument',
      hint: "For instance connect({ nodes: ['http://127.0.0.1:7001', '127.0.0.1:7002'] }).",
    });
  }
  return {
    seeds,
    transport: transport ?? fetchTransport,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    maxAttempts: maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    maxResponseBytes: maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
    routing: routing ?? 'ring',
    defaults,
  };
}

function unknownNames(options: object): readonly string[] {
  const unknown = Object.keys(options).filter((name) => !NAMES.has(name));
  return unknown.map((name) => `there is no option ${name} (there are ${[...NAMES].join(', ')})`);
}

function problemsOfDefaults(defaults: DefaultOptions): readonly string[] {
  try {
    assertCallOptions(defaults);
    return [];
  } catch (thrown) {
    return [messageOf(thrown)];
  }
}

function readSeeds(nodes: unknown, problems: string[]): readonly string[] {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    problems.push('nodes is not a list of at least one base URL or host:port');
    return [];
  }
  const seeds = new Set<string>();
  for (const node of nodes as readonly unknown[]) {
    const seed = typeof node === 'string' ? baseUrlOf(node) : undefined;
    if (seed === undefined)
      problems.push(`nodes: ${JSON.stringify(node)} is not a base URL (http or https) or host:port`);
    else seeds.add(seed);
  }
  return [...seeds];
}
