/** Calls against a script, in fake time. */
import { vi } from 'vitest';
import { QuorateError, connect } from '../../src/client/index.ts';
import type { Bucket, TransportRequest } from '../../src/client/index.ts';
import { scripted } from './scripted-transport.ts';
import type { ScriptedAnswer } from './scripted-transport.ts';

/** What becomes of one request. */
export type Step = ScriptedAnswer | Error | 'hang';

/** Lets time pass until the call has ended, and answers how. */
export async function ended<T>(call: Promise<T>): Promise<T | QuorateError> {
  const settled = call.catch((thrown: unknown) => {
    if (thrown instanceof QuorateError) return thrown;
    throw thrown;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  return settled;
}

/** A bucket whose requests go against the steps in turn, the last of them for ever; three nodes if not said otherwise. */
export function run(
  steps: readonly Step[],
  more: { readonly maxAttempts?: number; readonly nodes?: string[] } = {},
): { readonly bucket: Bucket<unknown>; readonly requests: TransportRequest[] } {
  const { transport, requests } = scripted(
    (_request, index) => steps[Math.min(index, steps.length - 1)] as Step,
  );
  const nodes = ['http://a:1', 'http://b:1', 'http://c:1'];
  const client = connect({ nodes, routing: 'round-robin', ...more, transport });
  return { bucket: client.bucket('b'), requests };
}

/** Where requests went. */
export function origins(requests: readonly TransportRequest[]): string[] {
  return requests.map(({ url }) => new URL(url).origin);
}
