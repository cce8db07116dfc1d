/** Whom to exchange with next: who came back first, but nobody waits for ever. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../../src/core/ids.ts';
import { ExchangeTurns } from '../../../src/protocol/anti-entropy/exchange-turns.ts';

const PEERS = ['n1', 'n2', 'n3', 'n4'].map((id) => id as NodeId);

const always = (): boolean => true;

function take(turns: ExchangeTurns, count: number, isUsable: (peer: NodeId) => boolean = always): string {
  return Array.from({ length: count }, () => turns.next(isUsable) ?? 'nobody').join(' ');
}

describe('turns', () => {
  it('go round', () => {
    expect(take(new ExchangeTurns(PEERS), 9)).toBe('n1 n2 n3 n4 n1 n2 n3 n4 n1');
  });

  it('leave out who cannot be asked, who then comes first', () => {
    const turns = new ExchangeTurns(PEERS);
    expect(take(turns, 4, (peer) => peer !== 'n2')).toBe('n1 n3 n4 n1');
    expect(take(turns, 4)).toBe('n2 n3 n4 n1');
    expect(take(turns, 2, () => false)).toBe('nobody nobody');
    expect(take(turns, 4)).toBe('n2 n3 n4 n1');
    expect(take(new ExchangeTurns([]), 1)).toBe('nobody');
  });

  it('begin with those that came back, and each of them is wanted once', () => {
    const turns = new ExchangeTurns(PEERS);
    turns.wants('n3' as NodeId);
    turns.wants('n3' as NodeId);
    expect(turns.isWanted(always)).toBe(true);
    expect(turns.isWanted((peer) => peer !== 'n3')).toBe(false);
    expect(take(turns, 5)).toBe('n3 n1 n2 n4 n3');
    expect(turns.isWanted(always)).toBe(false);
  });

  it('of one who came back and is gone again wait for it', () => {
    const turns = new ExchangeTurns(PEERS);
    turns.wants('n3' as NodeId);
    expect(take(turns, 2, (peer) => peer !== 'n3')).toBe('n1 n2');
    expect(take(turns, 2)).toBe('n3 n4');
  });

  it('are everybody’s, however often some come back', () => {
    const events = fc.array(fc.uniqueArray(fc.constantFrom(...PEERS)), { minLength: 30, maxLength: 60 });
    fc.assert(
      fc.property(events, (rounds) => {
        const turns = new ExchangeTurns(PEERS);
        const waited = new Map(PEERS.map((peer) => [peer, 0]));
        for (const back of rounds) {
          for (const peer of back) turns.wants(peer);
          const next = turns.next(always) as NodeId;
          for (const [peer, count] of waited) waited.set(peer, peer === next ? 0 : count + 1);
          // At least every other turn goes round.
          expect(Math.max(...waited.values())).toBeLessThan(2 * PEERS.length);
        }
      }),
    );
  });
});
