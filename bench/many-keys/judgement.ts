/** What is asked of a node with a great many keys, and whether it was met. */
import { percent, whole } from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';
import type { ResidentMemory } from '../system/process-cost.ts';

/** A node is ready within so many seconds. */
const MAX_START_SECONDS = 10;
/** Bytes of resident memory of a node. */
const MAX_RESIDENT_BYTES = 400e6;
/** Share of the rate with few keys. */
const MIN_SHARE = 0.6;

/** What the rates are told of: name of the requests, and the shares of the repeats. */
export interface Share {
  readonly title: string;
  /** Rate with many keys, as a part of that with few in the same repeat. */
  readonly samples: readonly number[];
}

/** What was found with many keys. */
export interface Findings {
  readonly keys: number;
  readonly fewKeys: number;
  /** Of each node. */
  readonly startSeconds: readonly number[];
  /** Of each node, at each look; empty where the system does not tell. */
  readonly memory: readonly ResidentMemory[];
  readonly shares: readonly Share[];
}

/** Values of the same repeat, one as a part of the other; a repeat that one side lacks is left out. */
export function sharesOf(many: readonly number[], few: readonly number[]): readonly number[] {
  return many.flatMap((rate, repeat) => {
    const unit = few[repeat];
    return unit === undefined || unit === 0 ? [] : [rate / unit];
  });
}

/** One sentence that says of each target whether it is met. */
export function answerOf(findings: Findings): string {
  const { keys, fewKeys } = findings;
  return (
    `With ${whole(keys)} keys a node ${startText(findings)}, ${memoryText(findings)}, ` +
    `and of the rate with ${whole(fewKeys)} keys does ${sharesText(findings)}.`
  );
}

function startText({ startSeconds }: Findings): string {
  const longest = Math.max(...startSeconds);
  return `is ready after ${longest.toFixed(1)} s (target: less than ${MAX_START_SECONDS} s, ${verdict(longest < MAX_START_SECONDS)})`;
}

function memoryText({ memory }: Findings): string {
  const largest = memory.toSorted((one, other) => other.total - one.total)[0];
  const target = `target: less than ${megabytes(MAX_RESIDENT_BYTES)}`;
  if (largest === undefined) return `takes memory that this system does not tell (${target}, not judged)`;
  return (
    `takes up to ${megabytes(largest.total)} of memory, of which ${megabytes(largest.mappedFiles)} are pages of data files ` +
    `(${target}, ${verdict(largest.total < MAX_RESIDENT_BYTES)})`
  );
}

function sharesText({ shares }: Findings): string {
  const medians = shares.map(({ title, samples }) => ({ title, share: spreadOf(samples)?.median ?? 0 }));
  const texts = medians.map(({ title, share }) => `${percent(share)} (${title})`);
  const isMet = medians.every(({ share }) => share >= MIN_SHARE);
  return `${texts.join(', ')} (target: at least ${percent(MIN_SHARE)}, ${verdict(isMet)})`;
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'missed';
}

function megabytes(bytes: number): string {
  return `${whole(bytes / 1e6)} MB`;
}
