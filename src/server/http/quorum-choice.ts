/**
 * N, R, W and sloppiness of one request. For each of R and W the first of these decides: its own header, the preset,
 * the majority of a `Quorate-N`, the bucket's default. Only what the operation uses is compared with N: a client may send
 * one set of headers with every request.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { CONSISTENCY_PRESETS, type ConsistencyPreset, HEADERS } from '../../api/headers.ts';
import type { QuorumDefaults } from '../../core/cluster-config.ts';
import { majority } from '../../core/quorum/quorum-tally.ts';
import { didYouMean } from '../did-you-mean.ts';
import { headerOf } from './exchange.ts';
import { wholeNumber } from './number-header.ts';
import { Problem } from './problem.ts';

export interface QuorumChoice {
  readonly n: number;
  readonly r: number;
  readonly w: number;
  readonly sloppy: boolean;
}

interface ChoiceOptions {
  readonly headers: IncomingHttpHeaders;
  readonly preset: ConsistencyPreset | undefined;
  readonly bucket: QuorumDefaults;
  readonly members: number;
  readonly uses: { readonly r: boolean; readonly w: boolean };
}

/** Throws `bad-quorum`, or `bad-request` for the sloppy flag. */
export function chooseQuorum({ headers, preset, bucket, members, uses }: ChoiceOptions): QuorumChoice {
  const explicitN = quorumHeader(headers, HEADERS.n, members);
  if (explicitN !== undefined && explicitN > members) throw tooManyReplicas(explicitN, members);
  const n = explicitN ?? bucket.n;
  const explicitR = quorumHeader(headers, HEADERS.r, members);
  const explicitW = quorumHeader(headers, HEADERS.w, members);
  if (uses.r && explicitR !== undefined && explicitR > n) throw aboveN(HEADERS.r, explicitR, n);
  if (uses.w && explicitW !== undefined && explicitW > n) throw aboveN(HEADERS.w, explicitW, n);
  const implied = presetQuorum(preset, n) ?? (explicitN === undefined ? undefined : majority(n));
  return {
    n,
    r: explicitR ?? implied ?? bucket.r,
    w: explicitW ?? implied ?? bucket.w,
    sloppy: sloppyHeader(headers) ?? preset !== 'all',
  };
}

/** The preset that a request names, if any. Throws `bad-request` for an unknown one. */
export function presetOf(headers: IncomingHttpHeaders): ConsistencyPreset | undefined {
  const value = headerOf(headers, 'quorate-consistency');
  if (value === undefined || isPreset(value)) return value;
  throw new Problem(
    'bad-request',
    `${HEADERS.consistency} may be ${CONSISTENCY_PRESETS.join(', ')}, not "${value}".${didYouMean(value, CONSISTENCY_PRESETS)}`,
  );
}

function isPreset(value: string): value is ConsistencyPreset {
  return (CONSISTENCY_PRESETS as readonly string[]).includes(value);
}

function presetQuorum(preset: ConsistencyPreset | undefined, n: number): number | undefined {
  if (preset === 'one') return 1;
  if (preset === 'quorum') return majority(n);
  return preset === 'all' ? n : undefined;
}

function quorumHeader(headers: IncomingHttpHeaders, name: string, members: number): number | undefined {
  const text = headerOf(headers, name.toLowerCase());
  if (text === undefined) return undefined;
  const value = wholeNumber(text);
  if (value !== undefined && value >= 1) return value;
  const range =
    name === HEADERS.n ? `1 to ${members} (the number of members)` : `1 to N, and N from 1 to ${members}`;
  throw new Problem('bad-quorum', `${name} must be a whole number from ${range}, not "${text}".`);
}

function tooManyReplicas(n: number, members: number): Problem {
  return new Problem(
    'bad-quorum',
    `${HEADERS.n} is ${n}, but it may be 1 to ${members}: the cluster has ${members} members.`,
  );
}

function aboveN(name: string, value: number, n: number): Problem {
  return new Problem('bad-quorum', `${name} is ${value}, but it may be 1 to ${n}: this request's N is ${n}.`);
}

function sloppyHeader(headers: IncomingHttpHeaders): boolean | undefined {
  const value = headerOf(headers, 'quorate-sloppy');
  if (value === undefined) return undefined;
  if (value === '?1') return true;
  if (value === '?0') return false;
  throw new Problem(
    'bad-request',
    `${HEADERS.sloppy} may be ?0 (home replicas only) or ?1 (fallbacks may stand in), not "${value}".`,
  );
}
