/** A node whose store has lost something has no vote in Paxos rounds until the others let it, and then has all of them again. */
import { afterEach, describe, expect, it } from 'vitest';
import { etagOf, placementHash } from '../../../src/codec/hash.ts';
import { acceptorKey } from '../../../src/codec/key-layout.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { EntryName, NodeId } from '../../../src/core/ids.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import type { PeerRequest } from '../../../src/core/message.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import type { StorageNodeOptions } from '../../../src/protocol/storage-node.ts';
import {
  assertFailed,
  assertTexts,
  assertWritten,
  casOf,
  getOf,
  linearizableOf,
  putOf,
} from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

async function begin(nodes = 3, overrides: Partial<ClusterConfig> = {}): Promise<void> {
  stage = await new Stage(nodes, overrides).startAll();
}

function cas(
  by: string,
  entry: EntryName,
  text: string,
  ifMatch = 'absent',
  n = 3,
): Promise<ConditionalOutcome> {
  return stage.run(stage.node(by).conditional({ ...casOf(entry, text, { ifMatch }), n }));
}

/** Ends a process, does something to its disk, and starts it again. */
async function restart(
  id: string,
  meanwhile: () => void = () => {},
  voting: Pick<StorageNodeOptions, 'votesAfterLoss' | 'votesWithout'> = {},
): Promise<void> {
  await stage.crash(id);
  meanwhile();
  stage.machine(id).start(voting);
  await stage.until(() => stage.machine(id).isUp);
  await stage.world.runFor(500);
}

function wipe(id: string): () => void {
  return () => stage.disk(id).wipe();
}

function loses(...types: readonly PeerRequest['type'][]): void {
  stage.lose = ({ message }) => message.type === 'request' && types.includes(message.request.type);
}

async function untilVotesAgain(id: string, maxMs = 60_000): Promise<void> {
  await stage.until(() => stage.traced('votes-again').some(({ node }) => node === id), maxMs);
}

function stateKey(entry: EntryName): Uint8Array {
  return acceptorKey(partitionOf(stage.config, placementHash(entry)), entry);
}

/** Keys of which n1 is the first home replica, one of them without a round so far. */
async function someKeys(): Promise<{ readonly known: readonly EntryName[]; readonly fresh: EntryName }> {
  const entries = stage.entriesAt(6, 'n1', 'n2', 'n3');
  const [fresh, ...known] = entries as [EntryName, ...EntryName[]];
  for (const entry of known) assertWritten(await cas('n2', entry, 'one'));
  await stage.world.runFor(6_000);
  return { known, fresh };
}

describe('a node whose disk was replaced', () => {
  it('votes on all keys again, though nobody asks it to: then one of the others may be away', async () => {
    await begin();
    const { known, fresh } = await someKeys();
    await restart('n1', wipe('n1'));
    await untilVotesAgain('n1');
    expect(stage.traced('votes-again').at(-1)?.event.admitted).toBe(known.length);
    await stage.crash('n3');
    for (const entry of known) {
      assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
      expect(await cas('n2', entry, 'two')).toMatchObject({ type: 'precondition-failed' });
    }
    assertWritten(await cas('n2', fresh, 'first'));
  });

  it('goes on where it was when it is started again, and is no newcomer for ever', async () => {
    await begin();
    const { known } = await someKeys();
    loses('voted-keys');
    await restart('n1', wipe('n1'));
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    await restart('n1');
    expect(stage.traced('votes-again')).toEqual([]);
    stage.lose = () => false;
    await untilVotesAgain('n1');
    await restart('n1');
    await stage.crash('n2');
    assertTexts(await stage.run(stage.node('n3').conditional(linearizableOf(known[0] as EntryName))), [
      'one',
    ]);
  });

  it('has no vote before: a majority that counts on it is none', async () => {
    await begin();
    const { known, fresh } = await someKeys();
    loses('voted-keys', 'paxos-admit');
    await restart('n1', wipe('n1'));
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    await stage.crash('n3');
    for (const entry of [...known, fresh])
      assertFailed(await cas('n2', entry, 'two'), { code: 'quorum-timeout', certainty: 'not-applied' });
  });

  it('is let vote at once by the round that meets it', async () => {
    await begin();
    const { known } = await someKeys();
    const [touched, other] = known as [EntryName, EntryName];
    loses('voted-keys');
    await restart('n1', wipe('n1'));
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    stage.forget();
    expect(await cas('n2', touched, 'two')).toMatchObject({ type: 'precondition-failed' });
    const etag = assertWritten(await cas('n2', touched, 'three', await etagAt(touched))).etag as string;
    await stage.world.runFor(50);
    await stage.crash('n3');
    assertWritten(await cas('n2', touched, 'four', etag));
    assertFailed(await cas('n2', other, 'two'), { code: 'quorum-timeout' });
  });

  it('sees to it by itself when a round does without its vote, and tells it what was chosen', async () => {
    await begin();
    const entry = stage.entryAt('n2', 'n3', 'n1');
    const first = assertWritten(await cas('n2', entry, 'one')).etag as string;
    await stage.world.runFor(6_000);
    loses('voted-keys');
    await restart('n1', wipe('n1'));
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    stage.forget();
    const second = assertWritten(await cas('n2', entry, 'two', first)).etag as string;
    await stage.world.runFor(30_000);
    expect(stage.requests('paxos-accept').filter(({ from, to }) => from === 'n2' && to === 'n1')).toEqual([]);
    await stage.crash('n3');
    assertWritten(await cas('n2', entry, 'three', second));
  });

  it('sees to it by itself when a read does without its vote', async () => {
    await begin();
    const { known } = await someKeys();
    const entry = known[0] as EntryName;
    loses('voted-keys');
    await restart('n1', wipe('n1'));
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
    await stage.world.runFor(2_000);
    await stage.crash('n3');
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
  });

  it('waits for a member that is away: it may have voted with what was lost', async () => {
    await begin(4);
    const { known } = await someKeys();
    await stage.crash('n4');
    await restart('n1', wipe('n1'));
    await stage.world.runFor(60_000);
    expect(stage.traced('votes-again')).toEqual([]);
    await stage.start('n4');
    await untilVotesAgain('n1');
    await stage.crash('n3');
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(known[0] as EntryName))), [
      'one',
    ]);
  });

  it('votes with the only other home replica of two as soon as its records are back', async () => {
    await begin(3, { buckets: new Map([['things', { n: 2, r: 2, w: 2, mode: 'mixed' }]]) });
    const [entry, fresh] = stage.entriesAt(2, 'n1', 'n2') as [EntryName, EntryName];
    assertWritten(await cas('n2', entry, 'one', 'absent', 2));
    await stage.world.runFor(6_000);
    loses('voted-keys');
    await restart('n1', wipe('n1'));
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(await cas('n1', entry, 'two', 'absent', 2)).toMatchObject({ type: 'precondition-failed' });
    assertWritten(await cas('n1', fresh, 'two', 'absent', 2));
  });
});

describe('a node whose disk was replaced, and that has the only copy of some keys', () => {
  it('has no vote on these until its operator says so', async () => {
    await begin(3, {
      buckets: new Map([
        ['things', { n: 1, r: 1, w: 1, mode: 'mixed' }],
        ['others', { n: 3, r: 2, w: 2, mode: 'mixed' }],
      ]),
    });
    const entry = stage.entryAt('n1');
    assertWritten(await cas('n2', entry, 'one', 'absent', 1));
    await stage.world.runFor(6_000);
    await restart('n1', wipe('n1'));
    await untilVotesAgain('n1');
    assertWritten(await cas('n2', { ...entry, bucket: 'others' }, 'one'));
    assertFailed(await cas('n2', entry, 'two', 'absent', 1), { code: 'quorum-timeout' });
    await restart('n1');
    assertFailed(await cas('n2', entry, 'two', 'absent', 1), { code: 'quorum-timeout' });
    await restart('n1', () => {}, { votesAfterLoss: true });
    assertWritten(await cas('n2', entry, 'two', 'absent', 1));
    await restart('n1');
    expect(await cas('n2', entry, 'three', 'absent', 1)).toMatchObject({ type: 'precondition-failed' });
  });
});

describe('a disk that was rolled back', () => {
  it('is no majority with one that has missed what it had accepted', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const before = stage.disk('n1').snapshot();
    // n3 hears nothing of the round.
    stage.lose = ({ to, message }) =>
      to === 'n3' && message.type === 'request' && message.request.type.startsWith('paxos');
    assertWritten(await cas('n1', entry, 'one'));
    await stage.world.runFor(6_000);
    await restart('n1', () => stage.disk('n1').rollBack(before));
    await stage.crash('n2');
    stage.lose = () => false;
    assertFailed(await cas('n3', entry, 'two'), { certainty: 'not-applied' });
    stage.machine('n2').start();
    await untilVotesAgain('n1');
    await stage.crash('n2');
    assertTexts(await stage.run(stage.node('n3').conditional(linearizableOf(entry))), ['one']);
  });
});

describe('a disk that was rolled back, while the only one that knows is away', () => {
  /** n1 and n2 have chosen a write that n3 knows nothing of; n2 is away, and n1 has lost its part in it. */
  async function undo(voting: Pick<StorageNodeOptions, 'votesWithout'>): Promise<EntryName> {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const before = stage.disk('n1').snapshot();
    stage.lose = ({ from, to }) => from === 'n3' || to === 'n3';
    assertWritten(await cas('n1', entry, 'one'));
    await stage.world.runFor(100);
    stage.lose = () => false;
    stage.machine('n2').crash({ power: false, reason: 'killed' });
    await restart('n1', () => stage.disk('n1').rollBack(before), voting);
    return entry;
  }

  it('is no majority with one that knows nothing', async () => {
    const entry = await undo({});
    assertFailed(await cas('n3', entry, 'two'), { type: 'failed' });
    await stage.start('n2');
    await untilVotesAgain('n1');
    expect(await cas('n3', entry, 'two')).toMatchObject({ type: 'precondition-failed' });
  });

  it('undoes what was acknowledged if its operator says that it was not rolled back: that is the risk', async () => {
    const entry = await undo({ votesWithout: new Set(['n2' as NodeId]) });
    assertWritten(await cas('n3', entry, 'two'));
  });
});

describe('where the others are no majority any more', () => {
  it('a node votes after a loss if its operator says so, and goes on to', async () => {
    await begin();
    const { known } = await someKeys();
    const entry = known[0] as EntryName;
    await restart('n1', wipe('n1'));
    await restart('n2', wipe('n2'));
    await stage.world.runFor(60_000);
    assertFailed(await cas('n3', entry, 'two'), { code: 'quorum-timeout' });
    await restart('n1', () => {}, { votesAfterLoss: true });
    expect(stage.traced('votes-after-loss').map(({ node }) => node)).toEqual(['n1']);
    assertTexts(await stage.run(stage.node('n3').conditional(linearizableOf(entry))), ['one']);
    await restart('n1');
    expect(await cas('n1', entry, 'two')).toMatchObject({ type: 'precondition-failed' });
    // With two that vote the third one is let in.
    await untilVotesAgain('n2');
  });
});

describe('a node that was started again', () => {
  it('does not vote as long as another home replica is away, unless its operator names that one', async () => {
    await begin();
    const { known } = await someKeys();
    const entry = known[0] as EntryName;
    await stage.crash('n3');
    await restart('n1');
    assertFailed(await cas('n2', entry, 'two'), { code: 'quorum-timeout' });
    await restart('n1', () => {}, { votesWithout: new Set(['n3' as NodeId]) });
    expect(await cas('n2', entry, 'two')).toMatchObject({ type: 'precondition-failed' });
  });
});

describe('a damaged entry on the disk of a voter', () => {
  async function alive(entry: EntryName): Promise<void> {
    await stage.crash('n3');
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry, 5_000))), ['one']);
    assertWritten(await cas('n2', entry, 'two', await etagAt(entry)));
  }

  /** A key with a plain write, for which all have promised something, and nobody has accepted anything. */
  async function promisedOnly(): Promise<EntryName> {
    stage = await new Stage(3, {}, { antiEntropy: true }).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await stage.run(stage.node('n1').put(putOf(entry, 'one')));
    await stage.world.runFor(1_000);
    stage.lose = ({ message }) => message.type === 'reply' && message.reply.type === 'paxos-prepare';
    const etag = etagOf(stage.recordOn('n1', entry) as KeyRecord);
    assertFailed(await cas('n1', entry, 'two', etag), { code: 'quorum-timeout' });
    return entry;
  }

  /** Damages its record on these nodes, which is found when they are started. Nobody is let vote meanwhile. */
  async function replaceDamaged(entry: EntryName, ...ids: readonly string[]): Promise<void> {
    stage.lose = ({ message }) => message.type === 'request' && message.request.type.startsWith('paxos');
    const before = stage.traced('record-replaced').length;
    for (const [index, id] of ids.entries()) {
      await restart(id, () => stage.damage(id, entry));
      await stage.until(() => stage.traced('record-replaced').length === before + index + 1);
    }
  }

  it('heals if it is the record: with it went what was known to be chosen', async () => {
    stage = await new Stage(3, {}, { antiEntropy: true }).startAll();
    const { known } = await someKeys();
    const entry = known[0] as EntryName;
    // Its trees are built anew then, which finds the damage.
    await restart('n1', () => stage.damage('n1', entry));
    await stage.until(() => stage.traced('record-replaced').length === 1);
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    await stage.world.runFor(6_000);
    expect(stage.traced('store-lost-something')).toEqual([]);
    await alive(entry);
  });

  it('is no majority with one that has missed what went with the record', async () => {
    stage = await new Stage(3, {}, { antiEntropy: true }).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const first = assertWritten(await cas('n1', entry, 'one')).etag as string;
    await stage.world.runFor(1_000);
    // n3 hears nothing of it, and n2 not that it is chosen: n1 alone has it in its record.
    stage.lose = ({ to, message }) =>
      message.type === 'request' &&
      (message.request.type === 'paxos-commit' || (to === 'n3' && message.request.type.startsWith('paxos')));
    assertWritten(await cas('n1', entry, 'two', first));
    await stage.until(() => stage.textsOn('n1', entry)[0] === 'two');
    await replaceDamaged(entry, 'n1');
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
    await stage.crash('n2');
    stage.lose = () => false;
    assertFailed(await stage.run(stage.node('n3').conditional(linearizableOf(entry))), { type: 'failed' });
    // It was acknowledged: a plain read of a quorum does not miss it either.
    assertFailed(await stage.run(stage.node('n3').get(getOf(entry))), { type: 'failed' });
    await stage.start('n2');
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry, { timeoutMs: 5_000 }))), ['two']);
    assertTexts(await stage.run(stage.node('n3').conditional(linearizableOf(entry, 5_000))), ['two']);
  });

  it('heals though nothing was accepted there, and nobody asks for its vote, also after a restart', async () => {
    const entry = await promisedOnly();
    await replaceDamaged(entry, 'n1');
    await restart('n1');
    stage.lose = () => false;
    await stage.until(() => stage.node('n1').recovery().partitions === 0);
    await stage.world.runFor(10_000);
    expect(stage.traced('votes-after-loss')).toEqual([]);
    await alive(entry);
  });

  it('heals by its operator if that of another one is damaged, too: then the others are no majority', async () => {
    stage = await new Stage(3, {}, { antiEntropy: true }).startAll();
    const { known } = await someKeys();
    const entry = known[0] as EntryName;
    await replaceDamaged(entry, 'n1', 'n2');
    stage.lose = () => false;
    await stage.world.runFor(60_000);
    assertFailed(await cas('n3', entry, 'two'), { code: 'quorum-timeout' });
    await restart('n1', () => {}, { votesAfterLoss: true });
    expect(stage.traced('votes-after-loss').map(({ node }) => node)).toEqual(['n1']);
    assertTexts(await stage.run(stage.node('n3').conditional(linearizableOf(entry))), ['one']);
    await restart('n1');
    // With two that vote the third one is let in.
    await stage.world.runFor(20_000);
    await alive(entry);
    await restart('n1', () => {}, { votesAfterLoss: true });
    expect(stage.traced('votes-after-loss')).toHaveLength(1);
  });

  it('is in no way of plain reads if nothing was accepted there, be it that no majority is left', async () => {
    const entry = await promisedOnly();
    await replaceDamaged(entry, 'n1', 'n2');
    stage.lose = () => false;
    await stage.until(() => ['n1', 'n2'].every((id) => stage.node(id).recovery().partitions === 0));
    await stage.world.runFor(10_000);
    assertFailed(await stage.run(stage.node('n3').conditional(linearizableOf(entry))), { type: 'failed' });
    for (const id of ['n1', 'n2', 'n3'])
      assertTexts(await stage.run(stage.node(id).get(getOf(entry))), ['one']);
  });

  it('heals if it is what was promised: as the disk of another store', async () => {
    await begin();
    const { known } = await someKeys();
    const entry = known[0] as EntryName;
    // A process that wrote it would remember it.
    await restart('n1', () =>
      stage
        .disk('n1')
        .takeEffect([{ type: 'put', key: stateKey(entry), value: Uint8Array.of(1, 2, 3) }], true),
    );
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
    await untilVotesAgain('n1');
    expect(stage.traced('store-lost-something')).toMatchObject([{ node: 'n1', event: { kind: 'promises' } }]);
    await alive(entry);
  });
});

async function etagAt(entry: EntryName): Promise<string> {
  const outcome = await cas('n2', entry, 'never', 'no such tag');
  if (outcome.type !== 'precondition-failed') throw new Error(`it ended in ${outcome.type}`);
  return outcome.record === undefined ? 'absent' : etagOf(outcome.record);
}
