/** What is told of conditional requests: events for metrics, how long phases took, and what inspection shows of the voters. */
import { afterEach, describe, expect, it } from 'vitest';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import { joinIfAny } from '../../../src/core/causality/record-order.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import type { VoteView } from '../../../src/core/message.ts';
import { partsOfBallot } from '../../../src/core/paxos/ballot.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { assertFailed, assertRead, assertWritten, casOf, linearizableOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

async function begin(): Promise<EntryName> {
  stage = await new Stage(3, { partitions: 1_024 }).startAll();
  return stage.entryAt('n1', 'n2', 'n3');
}

async function create(entry: EntryName): Promise<string> {
  const created = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
  return assertWritten(created).etag as string;
}

/** Rounds that a node told last to be unfinished. */
function unfinishedOn(id: string): number {
  const told = stage.traced('unfinished-rounds').filter(({ node }) => node === id);
  return told.at(-1)?.event.count ?? 0;
}

const isFinished = (): boolean => ['n1', 'n2', 'n3'].every((id) => unfinishedOn(id) === 0);

function loseCommits(): void {
  stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-commit';
}

describe('of the rounds', () => {
  it('is told how each ended, and which reads needed none', async () => {
    const entry = await begin();
    await create(entry);
    await stage.until(isFinished, 500);
    await stage.run(stage.node('n1').conditional(linearizableOf(entry)));
    await stage.run(stage.node('n1').conditional(casOf(entry, 'two', { ifMatch: 'absent' })));
    expect(stage.traced('round').map(({ node, event }) => ({ node, ...event }))).toEqual([
      { node: 'n1', type: 'round', start: 'prepared', end: 'chosen', reads: 0 },
    ]);
    // What is known of the round before makes it likely that the write is refused: a read is enough, then.
    expect(stage.traced('quick-read').map(({ event }) => event.reads)).toEqual([1, 0]);
  });

  it('is told how long it took those that accepted until they had stored it as chosen, and nothing as long as they have not', async () => {
    const entry = await begin();
    const told = () => stage.traced('round-committed').map(({ node, event }) => [node, event.ms] as const);
    for (const node of ['n2', 'n3']) stage.slowDisk(node, 'sync', 40);
    const beganMs = stage.nowMs;
    const etag = await create(entry);
    const others = () => told().filter(([node]) => node !== 'n1');
    // The answer does not wait for it.
    expect(others()).toEqual([]);
    await stage.until(() => others().length > 0, 2_000);
    // One sync for what it accepts, and one for what is chosen.
    expect(others()[0]?.[1]).toBeGreaterThanOrEqual(80);
    expect(others()[0]?.[1]).toBeLessThanOrEqual(stage.nowMs - beganMs);
    await stage.until(isFinished, 2_000);
    stage.forget();
    loseCommits();
    assertWritten(await stage.run(stage.node('n1').conditional(casOf(entry, 'two', { ifMatch: etag }))));
    await stage.world.runFor(200);
    expect(told().map(([node]) => node)).toEqual(['n1']);
  });

  it('is told which linearizable reads took a round', async () => {
    const entry = await begin();
    await create(entry);
    await stage.until(isFinished, 500);
    // Two of three differ then, and the third one hangs.
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'store';
    await stage.run(stage.node('n1').put({ ...putOf(entry, 'plain'), w: 1 }));
    stage.lose = () => false;
    stage.mute('n3');
    stage.forget();
    const beganMs = stage.nowMs;
    await stage.run(stage.node('n1').conditional(linearizableOf(entry)));
    // Nobody waits for it until the deadline.
    expect(stage.nowMs - beganMs).toBeLessThan(300);
    expect(stage.traced('quick-read')).toEqual([]);
    expect(stage.traced('round').at(-1)?.event).toMatchObject({ end: 'chosen', reads: 1 });
  });

  it('is told why a vote was refused, and that the round was lost by that', async () => {
    const entry = await begin();
    const etag = await create(entry);
    await stage.until(isFinished, 500);
    stage.forget();
    // A plain write is stored by the two others between their promises and the proposal.
    let isBetween = false;
    stage.lose = ({ message }) => {
      if (message.type === 'request' && message.request.type === 'paxos-accept' && !isBetween) {
        isBetween = true;
        for (const id of ['n2', 'n3']) {
          const record = joinIfAny(stage.recordOn(id, entry), recordOf(dot('plain', 1), 'plain'));
          stage.placeRecord(id, entry, record as KeyRecord);
        }
      }
      return false;
    };
    await stage.run(stage.node('n1').conditional(casOf(entry, 'two', { ifMatch: etag })));
    expect(new Set(stage.traced('vote-refused').map(({ event }) => event.reason))).toEqual(
      new Set(['dirty']),
    );
    expect(stage.traced('round').map(({ event }) => event.end)).toContain('dirty');
  });

  it('is told which requests came to nothing', async () => {
    const entry = await begin();
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-accept';
    const write = casOf(entry, 'one', { ifMatch: 'absent' });
    assertFailed(await stage.run(stage.node('n1').conditional(write)), { code: 'quorum-timeout' });
    expect(
      stage.traced('conditional-failed').map(({ node, event }) => [node, event.code, event.certainty]),
    ).toEqual([['n1', 'quorum-timeout', 'unknown']]);
    expect(stage.traced('round').map(({ event }) => event.end)).toContain('unanswered');
  });

  it('is told that an abandoned one was finished, and how many are not', async () => {
    const entry = await begin();
    loseCommits();
    await create(entry);
    await stage.crash('n1');
    stage.lose = () => false;
    const left = (): number => unfinishedOn('n2') + unfinishedOn('n3');
    expect(left()).toBeGreaterThan(0);
    await stage.until(() => left() === 0, 30_000);
    const sweeps = stage.traced('sweep').map(({ event }) => event.result);
    expect(sweeps).toContain('finished');
    // What finishes a round is no read of a client.
    expect(stage.traced('round').every(({ event }) => event.reads === 0)).toBe(true);
  });
});

describe('of the time', () => {
  const phasesIn = (outcome: { readonly type: string }): readonly string[] | undefined =>
    'quorum' in outcome
      ? (outcome as { quorum: { phases?: readonly { phase: string; ms: number }[] } }).quorum.phases?.map(
          ({ phase, ms }) => `${phase} ${ms > 0}`,
        )
      : undefined;

  it('is told what each phase took, through a node that forwards as well', async () => {
    const entry = await begin();
    const created = await stage.run(stage.node('n3').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    expect(phasesIn(created)).toEqual(['prepare true', 'accept true']);
    await stage.until(isFinished, 500);
    const read = await stage.run(stage.node('n1').conditional(linearizableOf(entry)));
    assertRead(read);
    expect(phasesIn(read)).toEqual(['read true']);
    const lost = await stage.run(stage.node('n2').conditional(casOf(entry, 'two', { ifMatch: 'absent' })));
    expect(lost.type).toBe('precondition-failed');
    expect(phasesIn(lost)).toEqual(['read true']);
  });
});

describe('inspection', () => {
  async function votes(by: string, entry: EntryName): Promise<ReadonlyMap<string, VoteView | undefined>> {
    const { replicas } = await stage.run(stage.node(by).inspect(entry, 1_000));
    return new Map(replicas.map(({ node, vote }) => [node, vote]));
  }

  it('shows the ballots of all home replicas, and that all vote', async () => {
    const entry = await begin();
    for (const vote of (await votes('n2', entry)).values()) {
      expect(vote).toEqual({
        promised: undefined,
        accepted: undefined,
        chosen: undefined,
        notVoting: undefined,
      });
    }
    await create(entry);
    await stage.until(isFinished, 500);
    const shown = [...(await votes('n3', entry)).values()];
    expect(shown).toHaveLength(3);
    const chosen = shown[0]?.chosen;
    expect(partsOfBallot(chosen ?? ('' as never)).node).toBe('n1');
    const told = { chosen, promised: undefined, accepted: undefined, notVoting: undefined };
    const asked = { ...told, promised: chosen, accepted: chosen };
    // A majority is asked, and the third is told.
    expect(
      shown.toSorted(
        (left, right) => Number(right?.accepted !== undefined) - Number(left?.accepted !== undefined),
      ),
    ).toEqual([asked, asked, told]);
  });

  it('shows a round that is not finished, who cannot be asked, and who does not vote', async () => {
    const entry = await begin();
    loseCommits();
    await create(entry);
    await stage.crash('n1');
    const shown = await votes('n2', entry);
    expect(shown.get('n1')).toBeUndefined();
    const left = [shown.get('n2'), shown.get('n3')].filter((vote) => vote?.accepted !== undefined);
    expect(left.length).toBeGreaterThan(0);
    for (const vote of left) expect(vote?.chosen).toBeUndefined();
    await stage.crash('n3');
    await stage.start('n3');
    const again = await votes('n2', entry);
    expect(again.get('n3')?.notVoting).toContain('n1');
    expect(again.get('n3')?.accepted).toEqual(shown.get('n3')?.accepted);
  });
});
