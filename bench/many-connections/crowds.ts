/** Who is connected to the node that is asked: what is compared. */
import { startOf, storedKey } from '../load/workload.ts';
import type { ReadingPace } from './slow-reader.ts';

const SLOW_READERS = 10;
/** Bytes of the values that slow readers ask for. */
export const SLOW_VALUE_BYTES = [1_024, 10_240, 102_400] as const;
const PACES: readonly ReadingPace[] = [
  { type: 'trickle', bytesPerSecond: 4_096 },
  { type: 'stop', ms: 2_000 },
];

/** Connections to one node, by what they do. */
export interface Crowd {
  readonly name: string;
  readonly title: string;
  /** Send the next request when they have the answer. */
  readonly busy: number;
  /** Are kept open. */
  readonly idle: number;
  readonly slow: number;
}

/** The first one is what the others are measured by. `total`: connections of those. */
export function crowdsOf(busy: number, total: number): readonly [Crowd, Crowd, Crowd] {
  const slow = SLOW_READERS;
  const idle = Math.max(0, total - slow - busy);
  return [
    { name: 'alone', title: `${busy} busy`, busy, idle: 0, slow: 0 },
    { name: 'idle', title: `${busy} busy, ${idle} idle, ${slow} slow`, busy, idle, slow },
    { name: 'busy', title: `${total - slow} busy, ${slow} slow`, busy: total - slow, idle: 0, slow },
  ];
}

/** What each of the slow readers asks for, and how it reads. */
export function slowReaders(count: number): readonly { readonly path: string; readonly pace: ReadingPace }[] {
  const start = startOf({ method: 'GET' }).slice('GET '.length);
  return Array.from({ length: count }, (_, reader) => ({
    // Sizes and paces by turns, the largest first.
    path: start + storedKey(0, SLOW_VALUE_BYTES.toReversed()[reader % SLOW_VALUE_BYTES.length]),
    pace: PACES[Math.floor(reader / SLOW_VALUE_BYTES.length) % PACES.length] as ReadingPace,
  }));
}
