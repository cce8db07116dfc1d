import { EMPTY_CONTEXT, type CausalContext } from '../core/causality/causal-context.ts';
import type { EntryName } from '../core/ids.ts';

export type DecodedToken =
  | { readonly type: 'context'; readonly context: CausalContext }
  | { readonly type: 'invalid'; readonly reason: string };

export function encodeContextToken(_entry: EntryName, _context: CausalContext): string {
  throw new Error('unwritten');
}

export function decodeContextToken(_entry: EntryName, _token: string): DecodedToken {
  return { type: 'context', context: EMPTY_CONTEXT };
}
