/** How long a request was on its way, as the two ends of a connection tell each other. */
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/codec/message-codec.ts';
import { MAX_CLOCK_DOUBT_MS } from '../../../src/core/limits.ts';
import type { PeerRequest } from '../../../src/core/message.ts';
import { acceptPeer } from '../../../src/protocol/peers/inbound-peer.ts';
import { getOf, putOf } from '../requests.ts';
import { Stage } from '../stage.ts';
import { fakeConnection, peerOptions, shakeHands } from './fake-connection.ts';

const PING: PeerRequest = { type: 'ping' };

describe('whoever takes a request', () => {
  /** With a clock that shows 1,000 ms, and requests that say so much of it. */
  function take(...madeAtMs: readonly (number | undefined)[]): {
    ways: number[];
    closed: string | undefined;
  } {
    const connection = fakeConnection();
    const { options } = peerOptions();
    const ways: number[] = [];
    const clock = { ...options.clock, nowMs: () => 1_000 };
    const handlers = acceptPeer(
      connection,
      { ...options, clock },
      {
        onRequest: (_request, _from, onTheWayMs) => {
          ways.push(onTheWayMs);
          return new Promise(() => {});
        },
        onHello: (_hello, onSettled) => onSettled(undefined),
        isDoubtful: () => false,
        onPeer: () => {},
      },
    );
    shakeHands(connection, handlers);
    for (const [index, made] of madeAtMs.entries()) {
      handlers.onFrame(
        encodeMessage({ type: 'request', id: index + 1, sequence: 0, madeAtMs: made, request: PING }),
      );
    }
    return { ways, closed: connection.closed };
  }

  it('reckons from when it was made, by its own clock', () => {
    expect(take(999.5, 0, -250, undefined)).toEqual({ ways: [0.5, 1_000, 1_250, 0], closed: undefined });
  });

  it('takes what seems to come from the future for new, if that may be an error', () => {
    expect(take(1_000 + MAX_CLOCK_DOUBT_MS).ways).toEqual([0]);
  });

  it('ends a connection whose other end is wrong about its clock', () => {
    const { ways, closed } = take(1_001 + MAX_CLOCK_DOUBT_MS, 999);
    expect(ways).toEqual([]);
    expect(closed).toMatch(/clock/);
  });
});

describe('whoever sends a request', () => {
  it('says of operations when they were made, never too late, and a way back too early', async () => {
    const stage = await new Stage(4).startAll();
    const entry = stage.entryAt('n1', 'n2', 'n3');
    const clock = stage.machine('n1').clockFaults;
    expect(clock.drift).toBe(0);
    for (const pauseMs of [0, 5_000]) {
      await stage.world.runFor(pauseMs);
      stage.forget();
      const sentAtMs = stage.nowMs;
      await stage.run(stage.node('n4').put(putOf(entry, 'one')));
      await stage.run(stage.node('n4').get(getOf(entry)));
      const times = stage.sent.flatMap(({ message, to }) =>
        message.type === 'request' && message.request.type.startsWith('coordinate-') && to === 'n1'
          ? [message.madeAtMs ?? Number.NaN]
          : [],
      );
      expect(times).toHaveLength(2);
      expect(times[0]).toBeLessThanOrEqual(sentAtMs);
      expect(times[0]).toBeGreaterThan(sentAtMs - 20);
    }
  });
});
