/**
 * What nodes have counted (`/metrics`): how much work an operation makes that no hardware changes. Read before and after a run
 * of load, never within: to answer takes a node some milliseconds.
 */

/** A series of the nodes, and what one more of it is. */
export const COUNTED = {
  syncs: 'quorate_commit_duration_seconds_count',
  entriesStored: 'quorate_commit_entries_total',
  bytesStored: 'quorate_commit_bytes_total',
  messages: 'quorate_peer_messages_sent_total',
  bytesSent: 'quorate_peer_bytes_sent_total',
  rounds: 'quorate_rounds_total',
  forwarded: 'quorate_forwarded_requests_total',
  hedged: 'quorate_hedged_reads_total',
} as const;

export type CountedWork = keyof typeof COUNTED;

/** Sums over all nodes and all labels; what a node does not count is missing. */
export type NodeCounters = Readonly<Partial<Record<CountedWork, number>>>;

const NAMES = Object.keys(COUNTED) as readonly CountedWork[];

/** Asks all nodes. Rejects if one does not answer. */
export async function readNodeCounters(urls: readonly string[], signal: AbortSignal): Promise<NodeCounters> {
  const texts = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(`${url}/metrics`, { signal });
      if (!answer.ok) throw new Error(`${url}/metrics answers ${answer.status}`);
      return answer.text();
    }),
  );
  return sumCounters(texts);
}

/** Of texts in the exposition format of Prometheus. */
export function sumCounters(texts: readonly string[]): NodeCounters {
  const sums: Partial<Record<CountedWork, number>> = {};
  for (const name of NAMES) {
    const values = texts.flatMap((text) => valuesOf(text, COUNTED[name]));
    if (values.length > 0) sums[name] = values.reduce((sum, value) => sum + value, 0);
  }
  return sums;
}

/** What was counted between two readings. */
export function countedBetween(before: NodeCounters, after: NodeCounters): NodeCounters {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const [from, to] = [before[name], after[name]];
      return from === undefined || to === undefined ? [] : [[name, to - from]];
    }),
  );
}

function valuesOf(text: string, series: string): readonly number[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(series) && ['{', ' '].includes(line.charAt(series.length)))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}
