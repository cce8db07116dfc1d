/** A stage whose nodes compare their records by themselves, and what a test asks of it: who holds what, and what that cost. */
import { expect } from 'vitest';
import { largestNOf } from '../../../src/codec/record-codec.ts';
import type { ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import type { PutRequest } from '../../../src/core/request.ts';
import type { WorkSizes } from '../../../src/core/work-sizes.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { assertWritten, putOf } from '../requests.ts';
import type { SentMessage } from '../sent-message.ts';
import { Stage } from '../stage.ts';
import { hexOf } from './rebuilt-trees.ts';

/**
 * Virtual milliseconds from the return of a node, or the healing of a link, until everything is whole again, where what is
 * missing is little: connections stand, and each pair of nodes has had its exchange.
 */
export const WHOLE_AGAIN_MS = 10_000;

export function healingStage(
  nodes: number,
  overrides: Partial<ClusterConfig> = {},
  sizes?: Partial<WorkSizes>,
): Stage {
  return new Stage(nodes, overrides, { antiEntropy: true, sizes });
}

/** An exchange that ended. */
export type ExchangeEvent = Extract<TraceEvent, { readonly type: 'exchange' }>;

/** Writes one value under each of these names, through these nodes by turns. */
export async function putAll(
  stage: Stage,
  entries: readonly EntryName[],
  text: string,
  through: readonly string[],
  more: Partial<PutRequest> = {},
): Promise<void> {
  for (let start = 0; start < entries.length; start += 50) {
    const puts = entries.slice(start, start + 50).map((entry, index) => {
      const node = stage.node(through[index % through.length] as string);
      return node.put(putOf(entry, text, more));
    });
    for (const outcome of await stage.run(Promise.all(puts))) assertWritten(outcome);
  }
}

/** Names in one bucket. */
export function entriesOf(count: number, prefix = 'key'): readonly EntryName[] {
  return Array.from({ length: count }, (_, index) => ({ bucket: 'things', key: `${prefix}-${index}` }));
}

/** What each node holds of an entry now, in hexadecimal; nodes that hold nothing are left out. */
export function holders(stage: Stage, entry: EntryName): ReadonlyMap<string, string> {
  const held = stage.preferenceListOf(entry).map((node) => {
    const bytes = stage.disk(node).visibleValue(stage.storageKey(entry));
    return [node, bytes === undefined ? '' : hexOf(bytes)] as const;
  });
  return new Map(held.filter(([, bytes]) => bytes !== ''));
}

/** Whether all home replicas hold the same record of each of these, and nobody else holds any. */
export function isWhole(stage: Stage, entries: readonly EntryName[]): boolean {
  return entries.every((entry) => {
    const held = holders(stage, entry);
    const [bytes] = held.values();
    if (bytes === undefined) return false;
    const homes = stage.preferenceListOf(entry).slice(0, largestNOf(Buffer.from(bytes, 'hex')));
    return held.size === homes.length && homes.every((node) => held.get(node) === bytes);
  });
}

export async function untilWhole(
  stage: Stage,
  entries: readonly EntryName[],
  withinMs = WHOLE_AGAIN_MS,
): Promise<void> {
  await stage.until(() => isWhole(stage, entries), withinMs);
}

export function exchangesOf(stage: Stage, node?: string, peer?: string): readonly ExchangeEvent[] {
  return stage
    .traced('exchange')
    .filter((traced) => node === undefined || traced.node === node)
    .map(({ event }) => event)
    .filter((event) => peer === undefined || event.peer === peer);
}

/** Requests between nodes, without signs of life, as words: `n1 asks n2: tree-roots`. */
export function questions(stage: Stage): readonly string[] {
  return stage.sent.flatMap(({ from, to, message }: SentMessage) =>
    message.type === 'request' && message.request.type !== 'ping'
      ? [`${from} asks ${to}: ${message.request.type}`]
      : [],
  );
}

/** Nothing but roots is asked for any more, once by each exchange. */
export async function assertQuiet(stage: Stage, forMs = 30_000): Promise<void> {
  // What was begun before comes to its end first.
  await stage.world.runFor(500);
  stage.forget();
  await stage.world.runFor(forMs);
  const asked = questions(stage);
  expect(asked.filter((question) => !question.endsWith(': tree-roots'))).toEqual([]);
  const exchanges = stage.traced('exchange');
  expect(exchanges.length).toBeGreaterThan(0);
  expect(Math.abs(asked.length - exchanges.length)).toBeLessThanOrEqual(1);
  expect(stage.written).toEqual([]);
  for (const { event } of exchanges) {
    expect(event).toMatchObject({ result: 'done', differing: 0, repaired: 0 });
  }
}
