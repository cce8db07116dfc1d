/** Whether a peer lives, by a clock alone. */
import { describe, expect, it } from 'vitest';
import { PEER_PROBE_MS } from '../../../src/core/limits.ts';
import { SilenceWatch } from '../../../src/protocol/peers/silence-watch.ts';
import { TestClock } from '../paxos/test-clock.ts';

function watched(): { readonly clock: TestClock; readonly watch: SilenceWatch; readonly gone: number[] } {
  const clock = new TestClock();
  const gone: number[] = [];
  const watch = new SilenceWatch(clock, {
    isOwed: () => true,
    ping: () => {},
    onSuspicion: () => {},
    onGone: () => gone.push(clock.nowMs()),
  });
  return { clock, watch, gone };
}

describe('a connection that is in doubt', () => {
  it('ends after a while without a sign of life, however often the doubt is raised meanwhile', () => {
    const { clock, watch, gone } = watched();
    for (let raised = 0; raised < 5; raised += 1) {
      watch.probe();
      clock.advance(PEER_PROBE_MS / 4);
    }
    expect(gone).toEqual([PEER_PROBE_MS]);
  });

  it('stays after a sign of life, and may be doubted again', () => {
    const { clock, watch, gone } = watched();
    watch.probe();
    watch.heard();
    clock.advance(PEER_PROBE_MS);
    expect(gone).toEqual([]);
    watch.probe();
    clock.advance(PEER_PROBE_MS);
    expect(gone).toEqual([2 * PEER_PROBE_MS]);
  });
});
