/** Reads that are at least as new as something seen before. */
import { describe, expect, it, vi } from 'vitest';
import type { TransportRequest } from '../../src/client/index.ts';
import { ended, run } from './scripted-call.ts';
import { foundAnswer as found, problemAnswer as problem } from './scripted-transport.ts';

function headersOf(request: TransportRequest | undefined): Record<string, string> {
  const entries = Object.entries(request?.headers ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
}

describe('atLeast', () => {
  it('sends the context with preset session, from an answer or as a token', async () => {
    for (const atLeast of ['TOKEN', { context: 'TOKEN' }]) {
      const { bucket, requests } = run([found('1')]);
      await bucket.get('k', { atLeast });
      expect(headersOf(requests[0])).toMatchObject({
        'quorate-consistency': 'session',
        'quorate-context': 'TOKEN',
      });
    }
  });

  it('asks for nothing if there is nothing yet', async () => {
    const { bucket, requests } = run([found('1')]);
    await bucket.get('k', { atLeast: { context: undefined } });
    expect(headersOf(requests[0])).not.toHaveProperty('quorate-consistency');
  });

  it('excludes a preset', async () => {
    const { bucket } = run([found('1')]);
    const call = bucket.get('k', { atLeast: 'TOKEN', consistency: 'one' });
    await expect(call).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('tries another node where one is not new enough', async () => {
    vi.useFakeTimers();
    const { bucket, requests } = run([problem(503, 'session-too-new'), found('1')]);
    expect(await ended(bucket.get('k', { atLeast: 'TOKEN' }))).toMatchObject({ type: 'found' });
    expect(requests).toHaveLength(2);
    vi.useRealTimers();
  });
});
