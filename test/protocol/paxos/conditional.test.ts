/** Conditional writes and linearizable reads through whole nodes. */
import { afterEach, describe, expect, it } from 'vitest';
import { etagOf, placementHash } from '../../../src/codec/hash.ts';
import { unfinishedKey } from '../../../src/codec/key-layout.ts';
import type { KeyRecord } from '../../../src/core/causality/record.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { GATHER_PROMISES_MS } from '../../../src/core/limits.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import type { ConditionalRequest } from '../../../src/core/request.ts';
import { partitionOf } from '../../../src/core/ring/ring.ts';
import {
  assertFailed,
  assertRead,
  assertTexts,
  assertWritten,
  casOf,
  etagIn,
  getOf,
  linearizableOf,
  putOf,
  settlementOf,
} from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

async function begin(nodes = 3): Promise<Stage> {
  stage = await new Stage(nodes, { partitions: 1_024 }).startAll();
  return stage;
}

/** Whether a node has the round of a key still unfinished. */
function isUnfinished(id: string, entry: EntryName): boolean {
  const partition = partitionOf(stage.config, placementHash(entry));
  return stage.disk(id).visibleValue(unfinishedKey(partition, entry)) !== undefined;
}

describe('a conditional write', () => {
  it('creates a key that is not there, once', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const created = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    expect(created).toMatchObject({
      type: 'written',
      created: true,
      liveSiblings: 1,
      quorum: { n: 3, required: 2, sloppy: false, ordered: true, coordinator: 'n1' },
    });
    const again = await stage.run(stage.node('n1').conditional(casOf(entry, 'two', { ifMatch: 'absent' })));
    expect(again).toMatchObject({ type: 'precondition-failed' });
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
  });

  it('replaces what it names, and nothing else', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const first = etagIn(
      await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' }))),
    );
    const second = await stage.run(stage.node('n1').conditional(casOf(entry, 'two', { ifMatch: first })));
    expect(second).toMatchObject({ type: 'written', created: false });
    const stale = await stage.run(stage.node('n3').conditional(casOf(entry, 'three', { ifMatch: first })));
    expect(stale).toMatchObject({ type: 'precondition-failed' });
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry))), ['two']);
    const gone = await stage.run(
      stage.node('n2').conditional(casOf(entry, undefined, { ifMatch: etagIn(second) })),
    );
    expect(gone).toMatchObject({ type: 'written', liveSiblings: 0 });
    const anew = await stage.run(stage.node('n2').conditional(casOf(entry, 'four', { ifMatch: 'absent' })));
    expect(anew).toMatchObject({ type: 'written', created: true });
  });

  it('replaces a deletion that it names, once', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const write = (node: string, text: string | undefined, ifMatch: string) =>
      stage.run(stage.node(node).conditional(casOf(entry, text, { ifMatch })));
    const deletion = etagIn(await write('n2', undefined, etagIn(await write('n1', 'one', 'absent'))));
    expect(await write('n3', 'two', deletion)).toMatchObject({ type: 'written', created: true });
    expect(await write('n1', 'three', deletion)).toMatchObject({ type: 'precondition-failed' });
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['two']);
  });

  it('is told to all home replicas after its answer', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    const all = ['n1', 'n2', 'n3'];
    await stage.until(() => all.every((id) => !isUnfinished(id, entry)), 500);
    for (const id of all) expect(stage.textsOn(id, entry)).toEqual(['one']);
  });

  it('is given to the first home replica that is up, and by nobody to a fallback', async () => {
    await begin(5);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const [fallback] = stage.preferenceListOf(entry).slice(3);
    const through = async (id: string, text: string): Promise<string | undefined> => {
      const outcome = await stage.run(
        stage.node(id).conditional(casOf(entry, text, { ifMatch: 'absent', id: text })),
      );
      return 'quorum' in outcome ? outcome.quorum.coordinator : outcome.code;
    };
    for (const id of ['n3', 'n5', 'n1']) expect(await through(id, `by ${id}`)).toBe('n1');
    await stage.crash('n1');
    for (const id of ['n3', 'n5', 'n2']) expect(await through(id, `then by ${id}`)).toBe('n2');
    await stage.crash('n2');
    expect(await through('n5', 'with one of three')).toBe('quorum-unavailable');
    expect(stage.textsOn(fallback as string, entry)).toEqual([]);
  });

  it('under race wins once: of 64 creates through all nodes one is done, and all others know it', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const racing = Array.from({ length: 64 }, (_, index) => {
      const id = `n${1 + (index % 3)}`;
      return stage
        .node(id)
        .conditional(casOf(entry, `value ${index}`, { ifMatch: 'absent', timeoutMs: 5_000 }));
    });
    const outcomes = await stage.run(Promise.all(racing));
    expect(outcomes.filter(({ type }) => type === 'written')).toHaveLength(1);
    expect(outcomes.filter(({ type }) => type === 'precondition-failed')).toHaveLength(63);
  });

  it('that was answered to nobody is its own success when it is sent again, through another node (T7)', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const write = { ifMatch: 'absent', id: 'mine' };
    const first = etagIn(await stage.run(stage.node('n1').conditional(casOf(entry, 'one', write))));
    const again = await stage.run(
      stage.node('n3').conditional(casOf(entry, 'one', { ...write, firstAttempt: false })),
    );
    expect(etagIn(again)).toBe(first);
    expect(assertWritten(again).created).toBe(true);
    const other = await stage.run(
      stage.node('n3').conditional(casOf(entry, 'other', { ...write, firstAttempt: false })),
    );
    assertFailed(other, { code: 'write-id-reused', certainty: 'not-applied' });
  });

  it('is unknown if its ACCEPT left and nobody confirmed it', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-accept';
    const outcome = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    assertFailed(outcome, { code: 'quorum-timeout', certainty: 'unknown' });
  });

  it('is not applied if no ACCEPT of it ever left', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.lose = ({ message }) => message.type === 'reply' && message.reply.type === 'paxos-prepare';
    const outcome = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    assertFailed(outcome, { code: 'quorum-timeout', certainty: 'not-applied' });
    stage.lose = () => false;
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), []);
  });
});

describe('a conditional write whose time is over before a round proposes it', () => {
  it('is not applied, and never appears, though others wait for the same round', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    for (const id of ['n1', 'n2', 'n3']) stage.slowDisk(id, 'sync', 200);
    const ask = (text: string, ifMatch: string, timeoutMs: number): Promise<ConditionalOutcome> =>
      stage.node('n1').conditional(casOf(entry, text, { ifMatch, timeoutMs }));
    // As long as this one has its round, the other two wait for the next.
    const first = ask('first', 'no such tag', 5_000);
    const hasty = ask('hasty', 'absent', 300);
    const patient = ask('patient', 'absent', 5_000);
    expect(await stage.run(first)).toMatchObject({ type: 'precondition-failed' });
    assertFailed(await stage.run(hasty), { code: 'quorum-timeout', certainty: 'not-applied' });
    assertWritten(await stage.run(patient));
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['patient']);
  });
});

describe('a linearizable read', () => {
  it('of an undisturbed key costs one round trip, and no write', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    await stage.until(() => ['n1', 'n2', 'n3'].every((id) => !isUnfinished(id, entry)), 500);
    stage.forget();
    assertTexts(await stage.run(stage.node('n1').conditional(linearizableOf(entry))), ['one']);
    expect(stage.requests('paxos-read')).toHaveLength(1);
    for (const type of ['paxos-prepare', 'paxos-accept', 'paxos-commit'] as const) {
      expect(stage.requests(type)).toEqual([]);
    }
    expect(stage.written).toEqual([]);
  });

  it('does not wait for a silent home replica if the others differ, and can have a round', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    // n2 has missed what the others have chosen.
    stage.lose = ({ to, message }) =>
      to === 'n2' && message.type === 'request' && message.request.type.startsWith('paxos');
    await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    await stage.world.runFor(100);
    stage.lose = ({ from, to }) => from === 'n3' || to === 'n3';
    const startedMs = stage.nowMs;
    assertTexts(await stage.run(stage.node('n1').conditional(linearizableOf(entry, 5_000))), ['one']);
    expect(stage.nowMs - startedMs).toBeLessThan(3 * GATHER_PROMISES_MS);
  });

  it('sees a plain write that a majority has stored', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    assertWritten(await stage.run(stage.node('n3').put(putOf(entry, 'plain'))));
    const read = assertRead(await stage.run(stage.node('n1').conditional(linearizableOf(entry))));
    expect(read.record?.siblings).toHaveLength(2);
  });
});

describe('a round that its coordinator left unfinished', () => {
  async function leaveUnfinished(entry: EntryName): Promise<void> {
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-commit';
    assertWritten(await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' }))));
    await stage.crash('n1');
    stage.lose = () => false;
  }

  it('is finished by a plain read that meets it, for it was acknowledged', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await leaveUnfinished(entry);
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry, { sloppy: false }))), ['one']);
  });

  it('is finished by a plain read though the node has begun to shut down since', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await leaveUnfinished(entry);
    // n2 is the first one that is up, so it coordinates the round, too.
    const reading = stage.node('n2').get(getOf(entry, { sloppy: false }));
    stage.node('n2').drain();
    assertTexts(await stage.run(reading), ['one']);
    assertFailed(await stage.run(stage.node('n2').get(getOf(entry))), { code: 'draining' });
  });

  it('is finished by the other home replicas in time, though nobody asks', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await leaveUnfinished(entry);
    expect(isUnfinished('n2', entry) || isUnfinished('n3', entry)).toBe(true);
    await stage.until(
      () => ['n2', 'n3'].every((id) => stage.textsOn(id, entry)[0] === 'one' && !isUnfinished(id, entry)),
      20_000,
    );
  });
});

describe('what became of a write', () => {
  it('is the same at every node, and binds all of them', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const created = casOf(entry, 'one', { ifMatch: 'absent', id: 'w1' });
    const etag = etagIn(await stage.run(stage.node('n1').conditional(created)));
    for (const node of ['n1', 'n2', 'n3']) {
      expect(await stage.run(stage.node(node).conditional(settlementOf(entry, 'w1')))).toMatchObject({
        ...{ type: 'settled', state: 'applied', etag },
      });
      expect(await stage.run(stage.node(node).conditional(settlementOf(entry, 'w2')))).toMatchObject({
        ...{ type: 'settled', state: 'never-applied', etag: undefined },
      });
    }
    const late = casOf(entry, 'late', { ifMatch: etag, id: 'w2' });
    expect(await stage.run(stage.node('n3').conditional(late))).toMatchObject({
      type: 'precondition-failed',
    });
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
  });

  it('is settled while its first attempt still waits for a majority', async () => {
    await begin();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    for (const other of ['n2', 'n3']) {
      stage.cut('n1', other);
      stage.cut(other, 'n1');
    }
    const waiting = stage
      .node('n1')
      .conditional(casOf(entry, 'one', { ifMatch: 'absent', id: 'w1', timeoutMs: 20_000 }));
    expect(await stage.run(stage.node('n2').conditional(settlementOf(entry, 'w1', 10_000)))).toMatchObject({
      state: 'never-applied',
    });
    for (const other of ['n2', 'n3']) {
      stage.heal('n1', other);
      stage.heal(other, 'n1');
    }
    expect(await stage.run(waiting)).toMatchObject({ type: 'precondition-failed' });
    expect(
      assertRead(await stage.run(stage.node('n3').conditional(linearizableOf(entry)))).record?.siblings,
    ).toMatchObject([{ content: { type: 'tombstone' } }]);
  });
});

describe('a conditional write whose coordinator goes away', () => {
  it('is given to the next home replica at once if the process dies, and takes place once', async () => {
    await begin(4);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.slowDisk('n1', 'sync', 100);
    const request = casOf(entry, 'one', { ifMatch: 'absent', id: 'w1', timeoutMs: 5_000 });
    const outcome = stage.node('n4').conditional(request);
    await stage.until(() => stage.requests('coordinate-conditional').length === 1);
    const beganMs = stage.nowMs;
    stage.machine('n1').crash({ power: false, reason: 'killed' });
    expect(await stage.run(outcome)).toMatchObject({ type: 'written', quorum: { coordinator: 'n2' } });
    expect(stage.nowMs - beganMs).toBeLessThan(1_000);
    assertTexts(await stage.run(stage.node('n2').conditional(linearizableOf(entry))), ['one']);
    expect(stage.recordOn('n2', entry)?.writes).toMatchObject([{ id: 'w1' }]);
  });

  it('is given to the next one when the first is suspected, and nothing is said that is not known', async () => {
    await begin(4);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    stage.mute('n1');
    const request = casOf(entry, 'one', { ifMatch: 'absent', id: 'w1', timeoutMs: 5_000 });
    expect(await stage.run(stage.node('n4').conditional(request))).toMatchObject({
      ...{ type: 'written', quorum: { coordinator: 'n2' } },
    });
  });

  it('is not said to have failed by what the first one found, as long as the next one may carry it out', async () => {
    await begin(4);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const created = casOf(entry, 'one', { ifMatch: 'absent' });
    const etag = etagIn(await stage.run(stage.node('n1').conditional(created)));
    // n1 finds the key, but its answer is held up until n4 has asked another one, too; and so is that.
    stage.cut('n1', 'n4');
    for (const other of ['n2', 'n3']) stage.cut('n4', other);
    let answer: ConditionalOutcome | undefined;
    const request = casOf(entry, 'two', { ifMatch: 'absent', id: 'w2', timeoutMs: 8_000 });
    const outcome = stage.node('n4').conditional(request);
    void outcome.then((given) => (answer = given));
    await stage.until(() => stage.traces.filter(({ event }) => event.type === 'forwarded').length === 2);
    stage.heal('n1', 'n4');
    await stage.world.runFor(100);
    expect(answer).toBeUndefined();
    assertWritten(await stage.run(stage.node('n3').conditional(casOf(entry, undefined, { ifMatch: etag }))));
    stage.heal('n4', 'n2');
    assertWritten(await stage.run(outcome));
    assertTexts(await stage.run(stage.node('n1').conditional(linearizableOf(entry))), ['two']);
  });

  it('is unknown if nobody else can take it', async () => {
    await begin(4);
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await stage.crash('n2', 'n3');
    stage.slowDisk('n1', 'sync', 100);
    const outcome = stage
      .node('n4')
      .conditional(casOf(entry, 'one', { ifMatch: 'absent', timeoutMs: 2_000 }));
    await stage.until(() => stage.requests('coordinate-conditional').length === 1);
    stage.machine('n1').crash({ power: false, reason: 'killed' });
    assertFailed(await stage.run(outcome), { certainty: 'unknown' });
  });
});

describe('what a request costs', () => {
  const kinds = ['paxos-prepare', 'paxos-accept', 'paxos-read'] as const;
  const counts = (): readonly number[] => kinds.map((kind) => stage.requests(kind).length);
  const costOf = async (request: ConditionalRequest): Promise<readonly number[]> => {
    const before = counts();
    await stage.run(stage.node('n1').conditional(request));
    return counts().map((count, place) => count - (before[place] as number));
  };
  const beginWith = async (mode: 'mixed' | 'cas'): Promise<EntryName> => {
    stage = await new Stage(3, {
      partitions: 1_024,
      buckets: new Map([['b', { n: 3, r: 2, w: 2, mode }]]),
    }).startAll();
    return { ...stage.entryAt('n1', 'n2', 'n3'), bucket: 'b' };
  };

  /** Of others than the coordinator: one that makes a majority with it is asked, and the third is told. */
  it('is two round trips for a write, and one without a write on the disk for a read', async () => {
    const entry = await beginWith('mixed');
    expect(await costOf(casOf(entry, 'one', { ifMatch: 'absent' }))).toEqual([1, 1, 0]);
    await stage.world.runFor(50);
    const writes = stage.written.length;
    expect(await costOf(linearizableOf(entry))).toEqual([0, 0, 1]);
    expect(stage.written.length).toBe(writes);
  });

  it('is two round trips for the next write as well where plain writes may have come between', async () => {
    const entry = await beginWith('mixed');
    let outcome = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    for (const text of ['two', 'three']) {
      const before = counts();
      outcome = await stage.run(
        stage.node('n1').conditional(casOf(entry, text, { ifMatch: etagIn(outcome) })),
      );
      assertWritten(outcome);
      expect(counts().map((after, place) => after - (before[place] as number))).toEqual([1, 1, 0]);
    }
  });

  it('is two synced batches of each replica before the answer, and one in a bucket of mode cas once the key is hot', async () => {
    const syncs = (): readonly number[] => ['n1', 'n2', 'n3'].map((id) => stage.disk(id).syncs);
    /** What each replica had synced when the answer came, the most first: one of three may be behind. */
    const syncsOf = async (request: ConditionalRequest): Promise<readonly number[]> => {
      await stage.world.runFor(100);
      const before = syncs();
      assertWritten(await stage.run(stage.node('n1').conditional(request)));
      return syncs()
        .map((after, place) => after - (before[place] as number))
        .toSorted((left, right) => right - left);
    };
    for (const [mode, first, second] of [
      ['mixed', 2, 2],
      ['cas', 2, 1],
    ] as const) {
      const entry = await beginWith(mode);
      const create = casOf(entry, 'one', { ifMatch: 'absent' });
      expect((await syncsOf(create)).slice(0, 2)).toEqual([first, first]);
      const read = await stage.run(stage.node('n1').conditional(linearizableOf(entry)));
      const etag = etagOf(assertRead(read).record as KeyRecord);
      expect((await syncsOf(casOf(entry, 'two', { ifMatch: etag }))).slice(0, 2)).toEqual([second, second]);
    }
  });

  it('is one round trip for a write of a hot key in a bucket of mode cas, between which reads disturb nobody', async () => {
    const entry = await beginWith('cas');
    let outcome = await stage.run(stage.node('n1').conditional(casOf(entry, 'one', { ifMatch: 'absent' })));
    for (let count = 0; count < 5; count += 1) {
      const etag = etagIn(outcome);
      expect(await costOf(linearizableOf(entry))).toEqual([0, 0, 1]);
      expect(await costOf(casOf(entry, 'lost', { ifMatch: 'absent', id: `lost ${count}` }))).toEqual([
        0, 0, 1,
      ]);
      const before = counts();
      outcome = await stage.run(stage.node('n1').conditional(casOf(entry, `${count}`, { ifMatch: etag })));
      expect(counts().map((after, place) => after - (before[place] as number))).toEqual([0, 1, 0]);
    }
    await stage.world.runFor(5_000);
    expect(await costOf(casOf(entry, 'later', { ifMatch: etagIn(outcome) }))).toEqual([1, 1, 0]);
  });
});
