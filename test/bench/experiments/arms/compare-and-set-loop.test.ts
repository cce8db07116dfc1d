/** The loop against a bucket that answers as it is told. */
import { describe, expect, it } from 'vitest';
import { compareAndSetLoop } from '../../../../bench/experiments/arms/compare-and-set-loop.ts';
import type { Bucket } from '../../../../src/client/bucket.ts';
import type { Entry } from '../../../../src/client/entry.ts';
import { QuorateError } from '../../../../src/client/errors.ts';

type Answer = 'won' | { readonly lostTo: string } | QuorateError;

function found(value: string): Entry<string> {
  const facts = { quorum: undefined, coordinator: undefined, contentType: 'text/plain', resolvedFrom: 1 };
  return { type: 'found', value, context: `context of ${value}`, etag: `"${value}"`, ...facts };
}

/** A bucket whose compare-and-sets have these answers, and what came to it. */
function scripted(answers: readonly Answer[]) {
  const calls: string[] = [];
  const left = [...answers];
  const bucket = {
    get: async () => {
      calls.push('get');
      return found('read');
    },
    cas: async (_key: string, value: string) => {
      calls.push(`cas ${value}`);
      const answer = left.shift() ?? 'won';
      if (answer instanceof QuorateError) throw answer;
      if (answer === 'won') return { ok: true };
      return { ok: false, current: found(answer.lostTo) };
    },
  } as unknown as Pick<Bucket<string>, 'get' | 'cas'>;
  return { bucket, calls };
}

function added(entry: Entry<string>, by: string): string {
  return `${entry.type === 'found' ? entry.value : ''}+${by}`;
}

const TIMEOUT_MS = 5_000;

describe('the compare-and-set loop', () => {
  it('writes what follows from a plain read', async () => {
    const { bucket, calls } = scripted(['won']);
    await compareAndSetLoop(bucket, 'key', TIMEOUT_MS, added);
    expect(calls).toEqual(['get', 'cas read+plain']);
  });

  it('goes on from what a refusal shows, without another read', async () => {
    const { bucket, calls } = scripted([{ lostTo: 'other' }, 'won']);
    await compareAndSetLoop(bucket, 'key', TIMEOUT_MS, added);
    expect(calls).toEqual(['get', 'cas read+plain', 'cas other+linearizable']);
  });

  it('reads again where a refusal shows nothing', async () => {
    const { bucket, calls } = scripted([new QuorateError('contended', { code: 'cas-contention' }), 'won']);
    await compareAndSetLoop(bucket, 'key', TIMEOUT_MS, added);
    expect(calls).toEqual(['get', 'cas read+plain', 'get', 'cas read+plain']);
  });

  it('does not go on after an unknown outcome, which might be applied twice then', async () => {
    const unknown = new QuorateError('late', { code: 'cas-contention', outcome: 'unknown' });
    const { bucket, calls } = scripted([unknown]);
    await expect(compareAndSetLoop(bucket, 'key', TIMEOUT_MS, added)).rejects.toBe(unknown);
    expect(calls).toHaveLength(2);
  });

  it('gives up when its time is over, and says that nothing was written', async () => {
    const { bucket } = scripted(Array.from({ length: 100 }, () => ({ lostTo: 'other' })));
    await expect(compareAndSetLoop(bucket, 'key', 1, added)).rejects.toMatchObject({
      code: 'cas-contention',
      outcome: 'not-applied',
    });
  });
});
