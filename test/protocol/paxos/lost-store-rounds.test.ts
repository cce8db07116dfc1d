/** A write that was acknowledged by two acceptors alone, of which one loses its store before it is in any record. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { LOST_STORE_ROUNDS_MS } from '../../../src/core/limits.ts';
import { assertRead, assertTexts, assertWritten, casOf, getOf } from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;
let entry: EntryName;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

/** n1 and n2 have accepted the write, and it is in nobody's record; then n1 was started again, and n2 with an empty disk. */
async function begin(): Promise<void> {
  stage = await new Stage(3).startAll();
  entry = stage.entryAt('n1', 'n2', 'n3');
  stage.lose = ({ to, message }) =>
    message.type === 'request' &&
    (message.request.type === 'paxos-commit' || (message.request.type === 'paxos-accept' && to === 'n3'));
  assertWritten(await stage.run(stage.node('n1').conditional(casOf(entry, 'chosen', { ifMatch: 'absent' }))));
  await stage.crash('n1');
  await stage.crash('n2');
  stage.lose = () => false;
  stage.disk('n2').wipe();
  for (const id of ['n1', 'n2']) stage.machine(id).start();
  await stage.until(() => stage.machine('n1').isUp && stage.machine('n2').isUp);
  expect(stage.textsOn('n1', entry)).toEqual([]);
}

function isRecovering(): boolean {
  return stage.node('n2').recovery().partitions > 0;
}

describe('a write that a lost store had accepted', () => {
  it('is there for plain reads as soon as its node has its records back', async () => {
    await begin();
    await stage.until(isRecovering);
    await stage.until(() => !isRecovering());
    for (const other of ['n2', 'n3']) stage.cut('n1', other);
    assertTexts(await stage.run(stage.node('n2').get(getOf(entry, { r: 2 }))), ['chosen']);
  });

  it('does not keep that node waiting for ever if no round can end', async () => {
    await begin();
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-prepare';
    await stage.until(isRecovering);
    const beganMs = stage.nowMs;
    await stage.until(() => !isRecovering(), 30_000);
    expect(stage.nowMs - beganMs).toBeGreaterThanOrEqual(LOST_STORE_ROUNDS_MS);
    assertRead(await stage.run(stage.node('n3').get(getOf(entry, { r: 1 }))));
  });
});
