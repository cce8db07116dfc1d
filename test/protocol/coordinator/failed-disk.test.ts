/** A disk that fails under a write: nothing false is answered, the node stops, and no dot is used twice. */
import { describe, expect, it } from 'vitest';
import { formatDot } from '../../../src/core/causality/dot.ts';
import type { EntryName } from '../../../src/core/ids.ts';
import { decodeRecord } from '../../../src/codec/record-codec.ts';
import { assertFailed, assertTexts, assertWritten, getOf, putOf } from '../requests.ts';
import { QUIET_DISK } from '../../sim/world/quiet-world.ts';
import { startProcess } from '../process.ts';
import { Stage } from '../stage.ts';

/** n1 does not die of its failed disk, as a real process takes a moment to end; n2 and n3 are as ever. */
async function stageWithLingeringNode({ meanReadUs = 0 } = {}): Promise<{
  stage: Stage;
  n1: Awaited<ReturnType<typeof startProcess>>;
  entry: EntryName;
}> {
  const stage = new Stage(3, {}, { disk: { ...QUIET_DISK, meanReadUs } });
  const n1 = await startProcess(stage, 'n1');
  for (const node of ['n2', 'n3']) stage.machine(node).start();
  await stage.until(() => n1.node.members().every(({ state }) => state !== 'down'));
  // What they remember of one another is written down, too.
  await stage.world.runFor(1_000);
  stage.forget();
  return { stage, n1, entry: stage.entryAt('n1', 'n2', 'n3') };
}

/** Every record of the entry that was written to a disk or sent, with the text of each dot. */
function textsByDot(stage: Stage, entry: EntryName): Map<string, Set<string>> {
  const records = [
    ...stage.written.map(({ write }) => (write.type === 'put' ? write.value : undefined)),
    ...stage.requests('store').map(({ request }) => request.record),
  ];
  const texts = new Map<string, Set<string>>();
  for (const encoded of records) {
    if (encoded === undefined) continue;
    for (const { dot, content } of decodeRecord(entry, encoded).siblings) {
      const text = content.type === 'value' ? new TextDecoder().decode(content.bytes) : '(deleted)';
      texts.set(formatDot(dot), (texts.get(formatDot(dot)) ?? new Set()).add(text));
    }
  }
  return texts;
}

describe('a disk that fails under a write', () => {
  it.each(['fail', 'fail-after-effect'] as const)('does not undo what W others hold (%s)', async (fault) => {
    const { stage, n1, entry } = await stageWithLingeringNode();
    stage.disk('n1').writeFault = fault;
    const { quorum } = assertWritten(await stage.run(n1.node.put(putOf(entry, 'one'))));
    expect(quorum.acks).toBe(2);
    for (const node of ['n2', 'n3']) expect(stage.textsOn(node, entry)).toEqual(['one']);
  });

  it('makes the write unknown if W needed it, because the others may hold it', async () => {
    const { stage, n1, entry } = await stageWithLingeringNode();
    stage.disk('n1').writeFault = 'fail';
    const failure = assertFailed(await stage.run(n1.node.put(putOf(entry, 'one', { w: 3 }))), {
      code: 'quorum-timeout',
      certainty: 'unknown',
    });
    expect(failure.replicas?.map(({ node, result }) => `${node} ${result}`)).toContain('n1 refused');
  });

  it('is told once, however many writes fail of it', async () => {
    const { stage, n1 } = await stageWithLingeringNode();
    stage.disk('n1').writeFault = 'fail';
    const entries = stage.entriesAt(5, 'n1');
    await stage.run(
      Promise.all(entries.map((entry) => n1.node.put(putOf(entry, 'one', { timeoutMs: 300 })))),
    );
    await stage.run(
      Promise.all(entries.map((entry) => n1.node.put(putOf(entry, 'two', { timeoutMs: 300 })))),
    );
    expect(n1.fatal.map(({ name }) => name)).toEqual(['StorageFailed']);
    expect(stage.traced('storage-failed')).toHaveLength(1);
  });

  it('ends all writing: no later write is tried, acknowledged or sent', async () => {
    const { stage, n1, entry } = await stageWithLingeringNode();
    stage.disk('n1').writeFault = 'fail';
    assertWritten(await stage.run(n1.node.put(putOf(entry, 'one'))));
    stage.disk('n1').writeFault = 'none';
    stage.forget();

    const own = assertWritten(await stage.run(n1.node.put(putOf(entry, 'two', { w: 1 }))));
    const through = await stage.run(stage.node('n2').put(putOf(entry, 'three', { w: 3, timeoutMs: 500 })));

    expect(own.quorum.coordinator).toBe('n2');
    assertFailed(through, { certainty: 'unknown' });
    expect(stage.written.filter(({ node }) => node === 'n1')).toEqual([]);
    expect(stage.requests('store', 'n1')).toEqual([]);
  });

  it('lets another node coordinate a write that had read its record when the store failed', async () => {
    const { stage, n1 } = await stageWithLingeringNode({ meanReadUs: 1_000 });
    stage.disk('n1').writeFault = 'fail';
    const writes = [];
    for (const entry of stage.entriesAt(60, 'n1')) {
      writes.push(n1.node.put(putOf(entry, 'one', { timeoutMs: 300 })));
      await stage.world.runFor(0.1);
    }
    const outcomes = await stage.run(Promise.all(writes));
    for (const outcome of outcomes) assertWritten(outcome);
    expect(n1.fatal).toHaveLength(1);
  });

  it('lets no dot be minted twice, neither before the process ends nor after it', async () => {
    const { stage, n1, entry } = await stageWithLingeringNode();
    stage.disk('n1').writeFault = 'fail';
    const texts = ['one', 'two', 'three'];
    await stage.run(Promise.all(texts.map((text) => n1.node.put(putOf(entry, text, { timeoutMs: 300 })))));
    await stage.run(n1.node.put(putOf(entry, 'four', { timeoutMs: 300 })));
    stage.disk('n1').writeFault = 'none';
    n1.end();
    const reborn = await startProcess(stage, 'n1');
    await stage.world.runFor(5_000);
    assertWritten(await stage.run(reborn.node.put(putOf(entry, 'five'))));

    const dots = textsByDot(stage, entry);
    expect([...dots.values()].map(({ size }) => size)).toEqual([...dots].map(() => 1));
    expect([...dots.values()].flatMap((set) => [...set])).toEqual(expect.arrayContaining(['one', 'five']));
  });

  it('serves no reads of a store that may show what is not on the disk', async () => {
    const { stage, n1, entry } = await stageWithLingeringNode();
    stage.disk('n1').writeFault = 'fail-after-effect';
    assertWritten(await stage.run(n1.node.put(putOf(entry, 'one'))));
    await stage.until(() => n1.fatal.length > 0);
    expect(stage.textsOn('n1', entry)).toEqual(['one']);
    assertFailed(await stage.run(n1.node.get(getOf(entry, { r: 3 }))), { code: 'quorum-unavailable' });
    assertTexts(await stage.run(n1.node.get(getOf(entry, { r: 2 }))), ['one']);
  });
});
