/** Who tells that a conditional request has failed, where one node gave it to another: one of them, once. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { assertFailed, assertWritten, casOf, getOf, linearizableOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;

/** n1, n2 and n3 vote on the entry, n4 does not. */
async function begin(): Promise<EntryName> {
  stage = await new Stage(4).startAll();
  return stage.entryAt('n1', 'n2', 'n3');
}

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

function told(): readonly string[] {
  return stage
    .traced('conditional-failed')
    .map(({ node, event: { code, certainty } }) => `${node} ${code} ${certainty}`);
}

function kill(...ids: readonly string[]): void {
  for (const id of ids) stage.machine(id).crash({ power: false, reason: 'killed' });
}

function writeOn(node: string, entry: EntryName) {
  return stage.node(node).conditional(casOf(entry, 'one', { ifMatch: 'absent', timeoutMs: 2_000 }));
}

const isForwarded = (): boolean => stage.requests('coordinate-conditional').length > 0;

describe('that a conditional request has failed is told', () => {
  it('by who gave it to a coordinator that died, if no other one could finish it', async () => {
    const entry = await begin();
    await stage.crash('n2', 'n3');
    stage.slowDisk('n1', 'sync', 100);
    const outcome = writeOn('n4', entry);
    await stage.until(isForwarded);
    kill('n1');
    assertFailed(await stage.run(outcome), { code: 'quorum-timeout', certainty: 'unknown' });
    expect(told()).toEqual(['n4 quorum-timeout unknown']);
  });

  it('by who gave it to others that are all silent, whether it writes or reads', async () => {
    const entry = await begin();
    for (const node of ['n1', 'n2', 'n3']) stage.mute(node);
    stage.lose = ({ from, message }) => from === 'n4' && message.type === 'request';
    assertFailed(await stage.run(writeOn('n4', entry)), { certainty: 'unknown' });
    assertFailed(await stage.run(stage.node('n4').conditional(linearizableOf(entry))), {});
    expect(told()).toEqual(['n4 quorum-timeout unknown', 'n4 quorum-timeout not-applied']);
  });

  it('by who found nobody to give it to', async () => {
    const entry = await begin();
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(writeOn('n4', entry)), { code: 'quorum-unavailable' });
    expect(told()).toEqual(['n4 quorum-unavailable not-applied']);
  });

  it('by its coordinator alone, if that one answers', async () => {
    const entry = await begin();
    await stage.crash('n2', 'n3');
    assertFailed(await stage.run(writeOn('n4', entry)), {});
    expect(told()).toEqual(['n1 quorum-unavailable not-applied']);
  });

  it('by its coordinator alone, if that one answers, and the others that were asked never do', async () => {
    const entry = await begin();
    stage.lose = ({ to, message }) =>
      message.type === 'request' &&
      (message.request.type === 'paxos-prepare' ||
        (message.request.type === 'coordinate-conditional' && to !== 'n1'));
    // n1 is suspected, so n2 is given it, too; but n1 was only slow.
    stage.cut('n1', 'n4');
    const outcome = writeOn('n4', entry);
    await stage.until(() => stage.requests('coordinate-conditional').length > 1);
    stage.heal('n1', 'n4');
    const failure = assertFailed(await stage.run(outcome), { certainty: 'unknown' });
    expect(failure.detail).toContain('Nobody answered in time');
    expect(told()).toEqual(['n1 quorum-timeout not-applied']);
  });

  it('by nobody, if another one finished it', async () => {
    const entry = await begin();
    stage.slowDisk('n1', 'sync', 100);
    const outcome = writeOn('n4', entry);
    await stage.until(isForwarded);
    kill('n1');
    assertWritten(await stage.run(outcome));
    expect(told()).toEqual([]);
  });

  it('of no other request', async () => {
    const entry = await begin();
    await stage.crash('n1', 'n2', 'n3');
    assertFailed(await stage.run(stage.node('n4').put(putOf(entry, 'plain'))), {});
    assertFailed(await stage.run(stage.node('n4').get(getOf(entry))), {});
    expect(told()).toEqual([]);
  });
});
