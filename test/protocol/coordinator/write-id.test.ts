/** A write id is the identity of a write over all its attempts, through whatever nodes they come. */
import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import { formatDot } from '../../../src/core/causality/dot.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { MAX_WRITE_IDS } from '../../../src/core/limits.ts';
import type { WriteIdentity } from '../../../src/core/request.ts';
import { assertFailed, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

const first = (id: string): WriteIdentity => ({ id, firstAttempt: true });
const again = (id: string): WriteIdentity => ({ id, firstAttempt: false });

async function stageOfThree(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

/** All dots that any disk was told to write, or any peer to store. */
function dotsOf(stage: Stage, entry: EntryName): Set<string> {
  const encoded = [
    ...stage.written.flatMap(({ write }) => (write.type === 'put' ? [write.value] : [])),
    ...stage.requests('store').map(({ request }) => request.record),
  ];
  return new Set(
    encoded.flatMap((bytes) => decodeRecord(entry, bytes).siblings.map(({ dot }) => formatDot(dot))),
  );
}

describe('a put with a write id', () => {
  it('looks for no earlier attempt if it is the first', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity: first('a') }))));
    expect(stage.requests('read')).toEqual([]);
  });

  it('looks at R for an earlier attempt otherwise, and is minted if there is none', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity: again('a') }))));
    expect(stage.requests('read')).toHaveLength(1);
    expect(dotsOf(stage, entry).size).toBe(1);
  });

  it('gets its first answer again through another node: the same dot, the same context', async () => {
    const { stage, entry } = await stageOfThree();
    const before = assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'zero', { w: 3 }))));
    const request = { context: before.context, identity: first('a') };
    const one = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { ...request, w: 3 }))),
    );
    for (const node of ['n2', 'n3', 'n1']) {
      const retry = { ...request, identity: again('a') };
      const two = assertWritten(await stage.run(stage.node(node).put(putOf(entry, 'one', retry))));
      expect(two.dot).toEqual(one.dot);
      expect(two.context).toEqual(one.context);
      expect(two.etag).toBe(one.etag);
    }
    expect(stage.textsOn('n2', entry)).toEqual(['one']);
    expect(dotsOf(stage, entry).size).toBe(2);
  });

  it('gets its first answer again also when it says once more that it is the first', async () => {
    const { stage, entry } = await stageOfThree();
    const request = putOf(entry, 'one', { identity: first('a'), w: 3 });
    const one = assertWritten(await stage.run(stage.node('n1').put(request)));
    const two = assertWritten(await stage.run(stage.node('n2').put(request)));
    expect(two.dot).toEqual(one.dot);
  });

  it('is spread anew by a retry, whose answer means W copies', async () => {
    const { stage, entry } = await stageOfThree();
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'store';
    assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity: first('a') }))), {
      code: 'quorum-timeout',
      certainty: 'unknown',
    });
    expect(stage.textsOn('n2', entry)).toEqual([]);
    stage.lose = () => false;

    const { quorum } = assertWritten(
      await stage.run(stage.node('n3').put(putOf(entry, 'one', { identity: again('a'), w: 3 }))),
    );

    expect(quorum.acks).toBe(3);
    for (const node of ['n1', 'n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['one']);
    expect(dotsOf(stage, entry).size).toBe(1);
  });

  it('is the same write also after its value was superseded: the retry brings nothing back', async () => {
    const { stage, entry } = await stageOfThree();
    const one = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity: first('a'), w: 3 }))),
    );
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'two', { context: one.context, w: 3 }))));
    const retry = assertWritten(
      await stage.run(stage.node('n3').put(putOf(entry, 'one', { identity: again('a') }))),
    );
    expect(retry).toMatchObject({ dot: one.dot, etag: undefined });
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['two']);
  });

  it('is shown as one value if two coordinators took it', async () => {
    const { stage, entry } = await stageOfThree();
    const request = putOf(entry, 'one', { identity: first('a'), w: 1 });
    const [left, right] = await stage.run(
      Promise.all([stage.node('n1').put(request), stage.node('n2').put(request)]),
    );
    expect(assertWritten(left).dot).not.toEqual(assertWritten(right).dot);
    await stage.world.runFor(100);
    const settled = assertWritten(
      await stage.run(stage.node('n3').put({ ...request, identity: again('a'), w: 3 })),
    );
    expect(settled.liveSiblings).toBe(1);
  });
});

describe('a write id that names another write', () => {
  it.each([first, again])('is refused with other bytes, surely not applied', async (attempt) => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity: first('a'), w: 3 }))));
    stage.forget();
    for (const request of [
      putOf(entry, 'two', { identity: attempt('a') }),
      putOf(entry, 'one', { identity: attempt('a'), contentType: 'text/html' }),
    ]) {
      assertFailed(await stage.run(stage.node('n2').put(request)), {
        code: 'write-id-reused',
        certainty: 'not-applied',
      });
    }
    assertFailed(await stage.run(stage.node('n2').delete(deleteOf(entry, { identity: attempt('a') }))), {
      code: 'write-id-reused',
      certainty: 'not-applied',
    });
    expect(stage.written).toEqual([]);
  });
});

describe('a retry that does nothing itself', () => {
  it('is unknown, because an earlier attempt may have been applied: too few replicas', async () => {
    const { stage, entry } = await stageOfThree();
    await stage.crash('n2', 'n3');
    const node = stage.node('n1');
    for (const [identity, certainty] of [
      [first('a'), 'not-applied'],
      [again('b'), 'unknown'],
    ] as const) {
      const code = 'quorum-unavailable';
      assertFailed(await stage.run(node.put(putOf(entry, 'one', { identity }))), { code, certainty });
      assertFailed(await stage.run(node.delete(deleteOf(entry, { identity }))), { code, certainty });
    }
  });

  it('is unknown on a node that is draining', async () => {
    const { stage, entry } = await stageOfThree();
    const node = stage.node('n1');
    node.drain();
    for (const [identity, certainty] of [
      [first('a'), 'not-applied'],
      [again('b'), 'unknown'],
      [undefined, 'not-applied'],
    ] as const) {
      assertFailed(await stage.run(node.put(putOf(entry, 'one', { identity }))), {
        code: 'draining',
        certainty,
      });
      assertFailed(await stage.run(node.delete(deleteOf(entry, { identity }))), {
        code: 'draining',
        certainty,
      });
    }
  });

  it('is unknown if it is given up behind another write', async () => {
    const { stage, entry } = await stageOfThree();
    stage.slowDisk('n1', 'sync', 3_000);
    void stage.node('n1').put(putOf(entry, 'slow', { timeoutMs: 10_000 }));
    await stage.world.runFor(5);
    const put = putOf(entry, 'one', { identity: again('a'), timeoutMs: 300 });
    assertFailed(await stage.run(stage.node('n1').put(put)), { code: 'overloaded', certainty: 'unknown' });
  });
});

describe('a write id beyond the window', () => {
  it(`has expired after ${MAX_WRITE_IDS} other ones: unknown, and nothing is written`, async () => {
    const { stage, entry } = await stageOfThree();
    let { context } = assertWritten(
      await stage.run(stage.node('n1').put(putOf(entry, 'one', { identity: first('a'), w: 3 }))),
    );
    for (let index = 1; index <= MAX_WRITE_IDS; index += 1) {
      // Each in a millisecond of its own: the window keeps the newest.
      await stage.world.runFor(1);
      const request = putOf(entry, `text ${index}`, { context, identity: first(`id-${index}`), w: 3 });
      ({ context } = assertWritten(await stage.run(stage.node('n1').put(request))));
    }
    stage.forget();

    const retry = await stage.run(stage.node('n2').put(putOf(entry, 'one', { identity: again('a') })));

    assertFailed(retry, { code: 'write-id-expired', certainty: 'unknown' });
    expect(stage.written).toEqual([]);
    // The last id within the window is known still.
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'text 1', { identity: again('id-1') }))));
    assertTexts(await stage.run(stage.node('n1').get(getOf(entry))), [`text ${MAX_WRITE_IDS}`]);
  });
});
