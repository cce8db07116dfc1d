/** Rounds into which plain writes come again and again: after some of them a round asks all home replicas, and not a majority. */
import { afterEach, describe, expect, it } from 'vitest';
import { joinIfAny } from '../../../src/core/causality/record-order.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { GATHER_PROMISES_MS, MAX_DIRTY_ROUNDS } from '../../../src/core/limits.ts';
import { textsOf } from '../../core/causality/sample-records.ts';
import { plain } from '../../core/paxos/stage.ts';
import { assertRead, linearizableOf } from '../requests.ts';
import type { SentMessage } from '../sent-message.ts';
import { Stage } from '../stage.ts';

const HOMES = ['n1', 'n2', 'n3'];
/** Of the replica whose promises come last, milliseconds; still in time for a round that waits for them. */
const SLOW_SYNC_MS = 20;

let stage: Stage;
let entry: EntryName;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

/** A plain write reaches these replicas. */
function arrives(text: string, ...nodes: readonly string[]): void {
  for (const node of nodes)
    stage.placeRecord(node, entry, joinIfAny(stage.recordOn(node, entry), plain(text)) as KeyRecord);
}

/**
 * Three replicas that hold different things, so that a read needs a round. Into so many rounds of it comes a plain write while
 * their proposals are on their way, and another one reaches n3 alone, which is slower than the others.
 */
async function begin(
  dirtyRounds: number,
  isLost: (sent: SentMessage) => boolean = () => false,
): Promise<void> {
  stage = await new Stage(3).startAll();
  entry = stage.entryAt(...HOMES);
  for (const node of HOMES) arrives(`before-${node}`, node);
  stage.slowDisk('n3', 'sync', SLOW_SYNC_MS);
  const ballots = new Set<string>();
  stage.lose = (sent) => {
    const { message } = sent;
    const isAccept = message.type === 'request' && message.request.type === 'paxos-accept';
    if (isAccept && !ballots.has(message.request.ballot)) {
      ballots.add(message.request.ballot);
      if (ballots.size <= dirtyRounds) arrives(`into-round-${ballots.size}`, ...HOMES);
      if (ballots.size === dirtyRounds) arrives('at-n3-alone', 'n3');
    }
    return isLost(sent);
  };
}

async function read(): Promise<readonly string[]> {
  const outcome = await stage.run(stage.node('n1').conditional(linearizableOf(entry, 5_000)));
  return textsOf(assertRead(outcome).record);
}

/** How the rounds ended. */
function ends(): readonly string[] {
  return stage.traced('round').map(({ event }) => event.end);
}

function dirtyThenChosen(dirtyRounds: number): readonly string[] {
  return [...Array.from({ length: dirtyRounds }, () => 'dirty'), 'chosen'];
}

describe('a round after plain writes have come into others', () => {
  it('asks a majority as long as that were few', async () => {
    await begin(MAX_DIRTY_ROUNDS - 1);
    const shown = await read();
    expect(ends()).toEqual(dirtyThenChosen(MAX_DIRTY_ROUNDS - 1));
    expect(shown).toContain(`into-round-${MAX_DIRTY_ROUNDS - 1}`);
    expect(shown).not.toContain('at-n3-alone');
  });

  it('then gathers the promises of all home replicas, so that it knows what any of them holds', async () => {
    await begin(MAX_DIRTY_ROUNDS);
    const shown = await read();
    expect(ends()).toEqual(dirtyThenChosen(MAX_DIRTY_ROUNDS));
    expect(shown).toContain('at-n3-alone');
  });

  it('waits no longer than a moment for one that does not answer', async () => {
    const sentAtMs: Record<string, number> = {};
    await begin(MAX_DIRTY_ROUNDS, ({ to, message }) => {
      if (message.type !== 'request') return false;
      sentAtMs[message.request.type] = stage.nowMs;
      return to === 'n3' && message.request.type === 'paxos-prepare' && ends().length === MAX_DIRTY_ROUNDS;
    });
    expect(await read()).not.toContain('at-n3-alone');
    expect(ends()).toEqual(dirtyThenChosen(MAX_DIRTY_ROUNDS));
    const waitedMs = (sentAtMs['paxos-accept'] ?? 0) - (sentAtMs['paxos-prepare'] ?? 0);
    expect(waitedMs).toBeGreaterThanOrEqual(GATHER_PROMISES_MS);
    expect(waitedMs).toBeLessThan(2 * GATHER_PROMISES_MS);
  });
});
