/** What is asked of a node with a great many connections, and whether it was met. */
import { percent, whole } from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';

/** How far a rate may be from that without the many. */
const MAX_DEVIATION = 0.1;
/** Bytes of resident memory of a node. */
const MAX_RESIDENT_BYTES = 400e6;

/** What was found with one crowd. */
export interface CrowdFindings {
  /** What its connections do. */
  readonly title: string;
  /** By kind of requests: rates as a part of those without the many, one for each repeat. */
  readonly shares: readonly { readonly title: string; readonly samples: readonly number[] }[];
}

/** One sentence that says of each target whether it is met. `peakBytes`: of each node with any crowd. */
export function answerOf(
  crowds: readonly CrowdFindings[],
  busy: number,
  peakBytes: readonly number[],
): string {
  const texts = crowds.map(({ title, shares }) => {
    const medians = shares.map((share) => ({
      title: share.title,
      share: spreadOf(share.samples)?.median ?? 0,
    }));
    const named = medians.map((one) => `${percent(one.share)} (${one.title})`).join(', ');
    return `${title}: ${named} (${verdictOn(medians.map(({ share }) => share))})`;
  });
  return (
    `Of the rate with ${busy} connections alone there were, with ${texts.join('; with ')}, ` +
    `where ${percent(1 - MAX_DEVIATION)} to ${percent(1 + MAX_DEVIATION)} is the target; ${memoryText(peakBytes)}.`
  );
}

/** More than the target allows is no loss to anybody, but it is not the same either. */
export function verdictOn(shares: readonly number[]): 'met' | 'missed' | 'more than that' {
  if (shares.some((share) => share < 1 - MAX_DEVIATION)) return 'missed';
  return shares.some((share) => share > 1 + MAX_DEVIATION) ? 'more than that' : 'met';
}

function memoryText(peakBytes: readonly number[]): string {
  const target = `target: bounded, less than ${whole(MAX_RESIDENT_BYTES / 1e6)} MB`;
  if (peakBytes.length === 0) return `this system does not tell what memory a node takes (${target})`;
  const peak = Math.max(...peakBytes);
  return `a node takes up to ${whole(peak / 1e6)} MB (${target}, ${peak < MAX_RESIDENT_BYTES ? 'met' : 'missed'})`;
}
