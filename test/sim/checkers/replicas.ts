/** What disks hold: it only grows, an acknowledged write is on W of them, and in the end all copies of a key are one. */
import { contains, covers } from '../../../src/core/causality/causal-context.ts';
import { type Dot, formatDot } from '../../../src/core/causality/dot.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { Violation } from './history.ts';

/** A replica's record of a key never loses anything from its context. */
export function checkReplicaGrew(
  { node, key }: { readonly node: string; readonly key: string },
  before: KeyRecord | undefined,
  after: KeyRecord,
): readonly Violation[] {
  if (before === undefined || covers(after.context, before.context)) return [];
  const detail = `the context of ${key} on ${node} lost something that it had`;
  return [{ invariant: 'replica-went-back', detail }];
}

/** What one disk would keep of a key if power were lost now. */
export interface DurableCopy {
  readonly record: KeyRecord | undefined;
  /** Home replicas that it has a hint of the key for. */
  readonly hintsFor: readonly string[];
}

/**
 * An acknowledged write is on W distinct disks: those of home replicas, and those of fallbacks with a hint for a home
 * replica that does not have it, no two of them for the same one.
 */
export function checkDurable(
  {
    key,
    dot,
    w,
    homes,
  }: { readonly key: string; readonly dot: Dot; readonly w: number; readonly homes: readonly string[] },
  durable: ReadonlyMap<string, DurableCopy>,
): readonly Violation[] {
  const holders = [...durable].flatMap(([node, { record }]) =>
    record !== undefined && contains(record.context, dot) ? [node] : [],
  );
  const missing = homes.filter((home) => !holders.includes(home));
  const stoodInFor = new Map<string, string>();
  for (const holder of holders) {
    if (!homes.includes(holder)) findPosition(holder, { durable, missing, stoodInFor, tried: new Set() });
  }
  const positions = homes.length - missing.length + stoodInFor.size;
  if (positions >= w) return [];
  const who = holders.length === 0 ? 'no disk' : `only ${holders.join(', ')}`;
  const hints = stoodInFor.size === 0 ? '' : `, ${stoodInFor.size} of them with a hint`;
  const detail = `${formatDot(dot)} of ${key} was acknowledged at W=${w}, but ${who} holds it durably${hints}`;
  return [{ invariant: 'acknowledged-before-durable', detail }];
}

interface Matching {
  readonly durable: ReadonlyMap<string, DurableCopy>;
  readonly missing: readonly string[];
  /** Which fallback stands in for a home replica. */
  readonly stoodInFor: Map<string, string>;
  readonly tried: Set<string>;
}

/** Finds a home replica for a fallback to stand in for, if need be by giving others other ones (augmenting paths). */
function findPosition(fallback: string, matching: Matching): boolean {
  const { durable, missing, stoodInFor, tried } = matching;
  for (const home of durable.get(fallback)?.hintsFor ?? []) {
    if (!missing.includes(home) || tried.has(home)) continue;
    tried.add(home);
    const other = stoodInFor.get(home);
    if (other !== undefined && !findPosition(other, matching)) continue;
    stoodInFor.set(home, fallback);
    return true;
  }
  return false;
}

/** A hint goes only when its owner holds durably all that was kept for it. `owned`: undefined if the owner holds nothing. */
export function checkHintServed(
  { key, node, owner }: { readonly key: string; readonly node: string; readonly owner: string },
  kept: KeyRecord | undefined,
  owned: KeyRecord | undefined,
): readonly Violation[] {
  if (kept === undefined || (owned !== undefined && covers(owned.context, kept.context))) return [];
  const detail = `${node} drops its hint of ${key} for ${owner}, which does not hold durably what was kept for it`;
  return [{ invariant: 'hint-dropped-early', detail }];
}

/** A node that a record does not belong to keeps it for somebody. */
export function checkNotStray(
  { key, node }: { readonly key: string; readonly node: string },
  homes: readonly string[],
  hintsFor: readonly string[],
): readonly Violation[] {
  if (homes.includes(node) || hintsFor.some((owner) => homes.includes(owner))) return [];
  return [
    { invariant: 'stray-record', detail: `${node} stores a record of ${key}, which it keeps for nobody` },
  ];
}

/** What a disk holds in the end of keys that are not its own: nothing. */
export function checkHandedOver(
  node: string,
  { hints, records }: { readonly hints: number; readonly records: readonly string[] },
): readonly Violation[] {
  if (hints === 0 && records.length === 0) return [];
  const what = records.length === 0 ? '' : ` and records of ${records.join(', ')}, which do not belong there`;
  return [{ invariant: 'handed-over', detail: `${node} still holds ${hints} hints${what}` }];
}

/** All home replicas hold the same bytes. */
export function checkConverged(
  key: string,
  copies: ReadonlyMap<string, Uint8Array | undefined>,
): readonly Violation[] {
  const distinct = new Set([...copies.values()].map(nameOf));
  if (distinct.size <= 1) return [];
  const detail = `the home replicas ${[...copies.keys()].join(', ')} of ${key} differ after reads of all of them`;
  return [{ invariant: 'convergence', detail }];
}

/** What each key showed is what it shows after every process started again from its disk. */
export function checkRestartChangedNothing(
  before: ReadonlyMap<string, readonly number[]>,
  after: ReadonlyMap<string, readonly number[]>,
): readonly Violation[] {
  const violations: Violation[] = [];
  for (const [key, events] of before) {
    const now = after.get(key) ?? [];
    if (events.join() === now.join()) continue;
    violations.push({
      invariant: 'restart-changed-nothing',
      detail: `${key} showed ${events.join()} before all nodes started again, and ${now.join()} after`,
    });
  }
  return violations;
}

function nameOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : `bytes ${Buffer.from(bytes).toString('latin1')}`;
}
