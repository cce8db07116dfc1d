/** What a client was told of an update that was not acknowledged. */
import { QuorateError } from '../../../src/client/errors.ts';

/** Throws what is no answer of the client: that is a bug. */
export function outcomeOf(error: unknown): { readonly fate: 'refused' | 'unknown'; readonly code: string } {
  if (!(error instanceof QuorateError)) throw error;
  return { fate: error.outcome === 'unknown' ? 'unknown' : 'refused', code: error.code };
}
