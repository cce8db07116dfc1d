/** Rounds that take longer than one usually may, because disks or links are slow: they get through all the same, if somebody waits. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EntryName } from '../../../src/core/ids.ts';
import { ROUND_TIMEOUT_MS, SLOW_FINISH_TIMEOUT_MS } from '../../../src/core/limits.ts';
import { startProcess } from '../process.ts';
import { assertWritten, casOf } from '../requests.ts';
import { Stage } from '../stage.ts';

let stage: Stage;

afterEach(() => {
  expect(stage.bugs).toEqual([]);
});

function slowDisks(ms: number): void {
  for (const id of ['n1', 'n2', 'n3']) stage.slowDisk(id, 'sync', ms);
}

/** Accepted by all, known to be chosen by nobody but the first, which is away. */
async function leaveUnfinished(entry: EntryName, first: string): Promise<void> {
  stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-commit';
  assertWritten(await stage.run(stage.node(first).conditional(casOf(entry, 'one', { ifMatch: 'absent' }))));
  await stage.crash(first);
  stage.lose = () => false;
}

function swept(id: string): readonly string[] {
  return stage
    .traced('sweep')
    .filter(({ node }) => node === id)
    .map(({ event }) => event.result);
}

describe('a round that takes longer than one usually may', () => {
  it('is had by a write that has the time for it', async () => {
    stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    // It is two writes on each disk, the first of which takes longer than a round usually may.
    slowDisks(1.3 * ROUND_TIMEOUT_MS);
    const write = casOf(entry, 'one', { ifMatch: 'absent', timeoutMs: 10_000 });
    assertWritten(await stage.run(stage.node('n1').conditional(write)));
  });

  it('is had by what finishes rounds that nobody does', async () => {
    stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    await leaveUnfinished(entry, 'n1');
    slowDisks(1.3 * ROUND_TIMEOUT_MS);
    await stage.until(() => swept('n2').length > 0, 30_000);
    expect(swept('n2')).toEqual(['finished']);
  });

  it('is had by what gives a node its votes back', async () => {
    stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const write = casOf(entry, 'one', { ifMatch: 'absent' });
    assertWritten(await stage.run(stage.node('n2').conditional(write)));
    await stage.crash('n1');
    stage.disk('n1').wipe();
    await stage.start('n1');
    slowDisks(1.3 * ROUND_TIMEOUT_MS);
    await stage.until(() => stage.traced('votes-again').length > 0);
    expect(stage.traced('votes-again').map(({ event }) => event.admitted)).toEqual([1]);
  });
});

describe('what finishes a round', () => {
  it('gives up soon if the others are away: then more time does not help', async () => {
    stage = await new Stage(3).startAll();
    const entry = stage.entryAt('n2', 'n1', 'n3');
    await leaveUnfinished(entry, 'n2');
    await stage.crash('n3');
    stage.forget();
    await stage.until(() => stage.traced('round').length > 0);
    const beganMs = stage.nowMs;
    await stage.until(() => swept('n1').length > 0);
    expect(stage.nowMs - beganMs).toBeLessThan(SLOW_FINISH_TIMEOUT_MS / 4);
    expect(swept('n1')).toEqual(['failed']);
  });

  it('does not hold up the end of the node', async () => {
    stage = new Stage(3);
    const n1 = await startProcess(stage, 'n1');
    for (const id of ['n2', 'n3']) stage.machine(id).start();
    await stage.until(
      () =>
        ['n2', 'n3'].every((id) => stage.machine(id).isUp && stage.member(id, 'n1').state === 'up') &&
        n1.node.members().every(({ node, state }) => node === 'n1' || state === 'up'),
    );
    const entry = stage.entryAt('n2', 'n1', 'n3');
    await leaveUnfinished(entry, 'n2');
    stage.lose = ({ message }) => message.type === 'request' && message.request.type === 'paxos-prepare';
    // One was lost, and the next one is under way.
    await stage.until(() =>
      stage.traced('round').some(({ node, event }) => node === 'n1' && event.end === 'unanswered'),
    );
    await stage.world.runFor(100);
    const beganMs = stage.nowMs;
    await stage.run(n1.node.close(60_000));
    expect(stage.nowMs - beganMs).toBeLessThan(50);
    expect(swept('n1')).toEqual(['failed']);
    await stage.world.runFor(ROUND_TIMEOUT_MS);
    expect(n1.life.timers).toBe(0);
    expect(n1.fatal).toEqual([]);
  });
});
