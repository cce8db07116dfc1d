/** Rounds that ask no more home replicas than they need: what becomes of them if one of these is late, away, or has no vote. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { HEDGE_LATEST_MS } from '../../../src/core/limits.ts';
import { assertTexts, assertWritten, casOf, etagIn, getOf, linearizableOf } from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

async function begin(): Promise<EntryName> {
  stage = await new Stage(3).startAll();
  return stage.entryAt('n1', 'n2', 'n3');
}

async function create(entry: EntryName): Promise<void> {
  assertWritten(await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' }))));
}

function asked(kind: 'paxos-prepare' | 'paxos-accept' | 'paxos-commit'): readonly string[] {
  return stage.requests(kind).map(({ to }) => to);
}

describe('a conditional write of three home replicas', () => {
  it('asks one other, and tells both', async () => {
    const entry = await begin();
    await create(entry);
    await stage.world.runFor(50);
    expect([asked('paxos-prepare'), asked('paxos-accept')]).toEqual([['n2'], ['n2']]);
    expect(asked('paxos-commit').toSorted()).toEqual(['n2', 'n3']);
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry, { r: 1 }))), ['one']);
  });

  it('is done with the third one if the second is late', async () => {
    const entry = await begin();
    stage.slowDisk('n2', 'sync', 10_000);
    const beganMs = stage.nowMs;
    await create(entry);
    expect(stage.nowMs - beganMs).toBeLessThan(2 * HEDGE_LATEST_MS);
    expect(asked('paxos-accept')).toContain('n3');
  });

  it('does not wait again and again for one whose disk hangs', async () => {
    stage = await new Stage(3, { buckets: new Map([['b', { n: 3, r: 2, w: 2, mode: 'cas' }]]) }).startAll();
    const entry = { ...stage.entryAt('n1', 'n2', 'n3'), bucket: 'b' };
    for (const { bucket } of [entry, { bucket: 'things' }]) {
      stage.slowDisk('n2', 'sync', 100_000);
      const beganMs = stage.nowMs;
      let outcome = await stage.run(
        stage.node('n1').conditional(casOf({ ...entry, bucket }, '0', { ifMatch: 'absent' })),
      );
      for (let count = 1; count <= 20; count += 1) {
        const write = casOf({ ...entry, bucket }, `${count}`, { ifMatch: etagIn(outcome) });
        outcome = await stage.run(stage.node('n1').conditional(write));
        assertWritten(outcome);
      }
      expect([bucket, stage.nowMs - beganMs < 2 * HEDGE_LATEST_MS]).toEqual([bucket, true]);
    }
  });

  it('asks the one that answers sooner, though the other one is in time, too', async () => {
    const entry = await begin();
    stage.slowDisk('n2', 'sync', 20);
    let outcome = await stage.run(stage.node('n1').conditional(casOf(entry, '0', { ifMatch: 'absent' })));
    stage.forget();
    for (const text of ['1', '2', '3']) {
      outcome = await stage.run(
        stage.node('n1').conditional(casOf(entry, text, { ifMatch: etagIn(outcome) })),
      );
      assertWritten(outcome);
    }
    expect([asked('paxos-prepare'), asked('paxos-accept')]).toEqual([
      ['n3', 'n3', 'n3'],
      ['n3', 'n3', 'n3'],
    ]);
  });

  it('asks the third one instead of one that is away', async () => {
    const entry = await begin();
    await stage.crash('n2');
    stage.forget();
    await create(entry);
    expect([asked('paxos-prepare'), asked('paxos-accept')]).toEqual([['n3'], ['n3']]);
  });

  it('is read without a round by one that was asked together with the one that was told', async () => {
    const entry = await begin();
    await create(entry);
    await stage.world.runFor(50);
    await stage.crash('n1');
    stage.forget();
    assertTexts(await stage.run(stage.node('n3').conditional(linearizableOf(entry))), ['one']);
    expect(asked('paxos-prepare')).toEqual([]);
  });
});
