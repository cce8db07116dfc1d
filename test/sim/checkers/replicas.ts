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

/** An acknowledged write is on the disks of W distinct home replicas. `durable`: what each would keep if power were lost now. */
export function checkDurable(
  { key, dot, w }: { readonly key: string; readonly dot: Dot; readonly w: number },
  durable: ReadonlyMap<string, KeyRecord | undefined>,
): readonly Violation[] {
  const holders = [...durable].flatMap(([node, record]) =>
    record !== undefined && contains(record.context, dot) ? [node] : [],
  );
  if (holders.length >= w) return [];
  const who = holders.length === 0 ? 'no disk' : `only ${holders.join(', ')}`;
  const detail = `${formatDot(dot)} of ${key} was acknowledged at W=${w}, but ${who} holds it durably`;
  return [{ invariant: 'acknowledged-before-durable', detail }];
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
