/** What the headers of an answer tell of an entry, for `--json` and `-v`. */
import { HEADERS } from '../api/headers.ts';
import type { EntryAnswer } from './entry-request.ts';

/** Facts beside the value; what the node did not say is left out. */
export interface EntryFacts {
  readonly context?: string;
  readonly etag?: string;
  readonly contentType?: string;
  readonly siblings?: number;
  /** As the node says it: `n=3, w=2, acks=2, sloppy=?0`. */
  readonly quorum?: string;
  readonly coordinator?: string;
  readonly requestId?: string;
  readonly writeId?: string;
  /** Base URL of the node that answered. */
  readonly node: string;
}

/** Reads them. */
export function entryFacts(answer: EntryAnswer): EntryFacts {
  const siblings = answer.headers.get(HEADERS.siblings);
  return {
    ...named('context', answer.headers.get(HEADERS.context)),
    ...named('etag', answer.headers.get('ETag')),
    ...named('contentType', answer.headers.get('Content-Type')),
    ...(siblings === null || siblings === undefined ? {} : { siblings: Number(siblings) }),
    ...named('quorum', answer.headers.get(HEADERS.quorum)),
    ...named('coordinator', answer.headers.get(HEADERS.coordinator)),
    ...named('requestId', answer.headers.get(HEADERS.requestId)),
    ...named('writeId', answer.writeId),
    node: answer.nodeUrl,
  };
}

/** `name: value` lines. */
export function factLines(facts: EntryFacts): readonly string[] {
  return Object.entries(facts).map(([name, value]) => `${name}: ${String(value)}`);
}

function named<Name extends string>(
  name: Name,
  value: string | null | undefined,
): { [key in Name]?: string } {
  return value === null || value === undefined ? {} : ({ [name]: value } as { [key in Name]: string });
}
