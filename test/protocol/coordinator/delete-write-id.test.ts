/** A write id of a DELETE: no attempt deletes what was written after another one was answered. */
import { describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import type { WriteIdentity } from '../../../src/core/request.ts';
import { assertTexts, assertWritten, deleteOf, getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

const first = (id: string): WriteIdentity => ({ id, firstAttempt: true });
const again = (id: string): WriteIdentity => ({ id, firstAttempt: false });

async function stageOfThree(): Promise<{ stage: Stage; entry: EntryName }> {
  const stage = await new Stage(3).startAll();
  return { stage, entry: stage.entryAt('n1', 'n2', 'n3') };
}

describe('a delete with a write id', () => {
  it('is one event: a retry gets the first tombstone', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const gone = assertWritten(
      await stage.run(stage.node('n1').delete(deleteOf(entry, { identity: first('d'), w: 3 }))),
    );
    const retry = assertWritten(
      await stage.run(stage.node('n2').delete(deleteOf(entry, { identity: again('d') }))),
    );
    expect(retry.dot).toEqual(gone.dot);
  });

  it('does not delete, on its retry, what was written in between', async () => {
    const { stage, entry } = await stageOfThree();
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    const gone = assertWritten(
      await stage.run(stage.node('n1').delete(deleteOf(entry, { identity: first('d'), w: 3 }))),
    );
    assertWritten(
      await stage.run(stage.node('n2').put(putOf(entry, 'two', { context: gone.context, w: 3 }))),
    );

    assertWritten(await stage.run(stage.node('n3').delete(deleteOf(entry, { identity: again('d') }))));

    assertTexts(await stage.run(stage.node('n1').get(getOf(entry, { r: 3 }))), ['two']);
  });

  it('does not delete what was written after its own retry, if the first attempt was held up', async () => {
    const stage = await new Stage(4).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    assertWritten(await stage.run(stage.node('n1').put(putOf(entry, 'one', { w: 3 }))));
    // The first attempt reaches n1, which then does nothing for five seconds, and is told nothing of what goes on.
    stage.lose = ({ to, message }) =>
      to === 'n1' && message.type === 'request' && message.request.type === 'store';
    const { life } = stage.machine('n1');
    if (life === undefined) throw new Error('n1 does not run');
    life.pausedUntilUs = stage.world.loop.nowUs + 5_000_000;
    const late = stage.node('n4').delete(deleteOf(entry, { identity: first('d'), timeoutMs: 10_000 }));
    const gone = assertWritten(
      await stage.run(stage.node('n2').delete(deleteOf(entry, { identity: again('d') }))),
    );
    assertWritten(await stage.run(stage.node('n2').put(putOf(entry, 'two', { context: gone.context }))));
    expect(stage.nowMs).toBeLessThan(life.pausedUntilUs / 1_000);
    // n2 is late with its answer, so no read repair comes to n1's aid before it decides.
    stage.cut('n2', 'n1');

    const answer = assertWritten(await stage.run(late));

    expect(answer).toMatchObject({ dot: gone.dot, quorum: { coordinator: 'n1' } });
    assertTexts(await stage.run(stage.node('n3').get(getOf(entry, { r: 3 }))), ['two']);
  });

  it('is minted by a retry that sees nothing alive, because the first attempt may stand elsewhere', async () => {
    const { stage, entry } = await stageOfThree();
    const plain = await stage.run(stage.node('n1').delete(deleteOf(entry, { identity: first('d') })));
    expect(plain).toMatchObject({ type: 'nothing-to-delete' });
    assertWritten(await stage.run(stage.node('n1').delete(deleteOf(entry, { identity: again('d') }))));
  });
});
