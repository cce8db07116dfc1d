/** A read error is never "not found": a replica that cannot tell what it holds counts for nothing, and coordinates no write. */
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/codec/record-codec.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { dot, recordOf } from '../../core/causality/sample-records.ts';
import { ScriptedPeer } from '../peers/scripted-peer.ts';
import { assertFailed, assertRead, assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

/** All three hold 'one'; that of n1 is damaged. */
async function stageWithDamage(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  const entry = stage.entryAt('n1', 'n2', 'n3');
  assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
  stage.damage('n1', entry);
  stage.forget();
  return { stage, entry };
}

describe('an unreadable record', () => {
  it('counts for nothing in a read, which asks another home replica instead', async () => {
    const { stage, entry } = await stageWithDamage();
    const outcome = await stage.run(stage.node('n1').get(getOf(entry)));
    assertTexts(outcome, ['one']);
    expect(assertRead(outcome).quorum.acks).toBe(2);
    expect(stage.traced('unreadable-record').map(({ node }) => node)).toEqual(['n1']);
  });

  it('is not "not found", also where all the others hold nothing', async () => {
    const { stage, entry } = await stageWithDamage();
    stage.disk('n2').wipe();
    stage.lose = ({ from, message }) => from === 'n3' && message.type === 'reply';

    const failure = assertFailed(await stage.run(stage.node('n1').get(getOf(entry, { timeoutMs: 400 }))), {
      code: 'quorum-timeout',
      received: 1,
    });

    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual([
      'n1 unreadable',
      'n2 not-found',
      'n3 no-answer',
    ]);
  });

  it('is told apart from an absent one over the wire, too', async () => {
    const { stage, entry } = await stageWithDamage();
    await stage.crash('n3');
    const failure = assertFailed(await stage.run(stage.node('n2').get(getOf(entry))), {
      code: 'quorum-unavailable',
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain('n1 unreadable');
  });

  it('is a read that fails as much as bytes that make no sense', async () => {
    const { stage, entry } = await stageWithDamage();
    stage.disk('n2').visibleValue = () => {
      throw new Error('Input/output error');
    };
    const failure = assertFailed(await stage.run(stage.node('n2').get(getOf(entry))), {
      code: 'quorum-unavailable',
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toEqual(
      expect.arrayContaining(['n1 unreadable', 'n2 unreadable']),
    );
  });

  it.each(['put', 'delete'] as const)(
    'keeps its node from coordinating a %s, and another one does',
    async (kind) => {
      const { stage, entry } = await stageWithDamage();
      const { context } =
        (
          await stage
            .node('n2')
            .get(getOf(entry, { r: 1 }))
            .then(assertRead)
        ).record ?? {};

      const outcome =
        kind === 'put'
          ? await stage.run(stage.node('n1').put(putOf(entry, 'two', { context })))
          : await stage.run(stage.node('n1').delete(deleteOf(entry)));

      expect(assertWritten(outcome).quorum).toMatchObject({ coordinator: 'n2', acks: 2 });
      expect(stage.traced('forwarded').map(({ node, event }) => [node, event.operation, event.to])).toEqual([
        ['n1', kind, 'n2'],
      ]);
      // On n1, too: a whole record that another one coordinated takes the place of what is damaged.
      for (const node of ['n1', 'n2', 'n3']) {
        expect(stage.textsOn(node, entry)).toEqual([kind === 'put' ? 'two' : '(deleted)']);
      }
      expect(stage.traced('record-replaced').map(({ node }) => node)).toEqual(['n1']);
    },
  );

  it('is no acknowledgement of a write, where it is not known what lies there', async () => {
    const { stage, entry } = await stageWithDamage();
    const before = stage.disk('n1').durableValue(stage.storageKey(entry));
    stage.disk('n1').visibleValue = () => {
      throw new Error('Input/output error');
    };
    const failure = assertFailed(await stage.run(stage.node('n2').put(putOf(entry, 'two', { w: 3 }))), {
      code: 'quorum-timeout',
      certainty: 'unknown',
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain('n1 refused');
    expect(stage.disk('n1').durableValue(stage.storageKey(entry))).toEqual(before);
  });

  it('is garbled on its way now and then, and not replaced for that', async () => {
    const { stage, entry } = await stageWithDamage();
    const { disk } = stage.machine('n2');
    let reads = 0;
    disk.misread = (_key, value) => {
      reads += 1;
      return reads < 10 ? value?.map((byte, index) => (index === 30 ? byte ^ 1 : byte)) : value;
    };
    const request = {
      type: 'store',
      ...entry,
      record: encodeRecord(entry, recordOf(dot('b', 1), 'b')),
    } as const;
    const before = disk.durableValue(stage.storageKey(entry));
    const peer = new ScriptedPeer(stage, 'n3');
    await stage.crash('n3');
    const connection = await peer.connect('n2');
    connection.request(1, request);
    await stage.until(() => connection.replies.length === 1);
    expect(connection.replies[0]?.reply).toMatchObject({ type: 'store', reply: { type: 'store-refused' } });
    expect(disk.durableValue(stage.storageKey(entry))).toEqual(before);
  });

  it('refuses the write, surely not applied, when no home replica can read its own', async () => {
    const { stage, entry } = await stageWithDamage();
    stage.damage('n2', entry);
    stage.damage('n3', entry);

    assertFailed(await stage.run(stage.node('n1').put(putOf(entry, 'two'))), {
      code: 'quorum-unavailable',
      certainty: 'not-applied',
    });
    await stage.world.runFor(5_000);
    expect(stage.written).toEqual([]);
    expect(stage.requests('store')).toEqual([]);
  });
});
