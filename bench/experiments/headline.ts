/**
 * The choice in one picture: for each way to change shared values, what an update takes, how many acknowledged ones are lost, and how
 * much goes on while the cluster is parted. It measures nothing of its own: it puts together what `lost-updates` and `faults` found.
 */
import type { Figure, Section } from '../report/document.ts';
import { type ArmId, ARMS } from './arms/arms.ts';
import type { Experiment } from './experiment.ts';
import { availabilityInPartition } from './faults/section.ts';
import { measureFaults } from './faults/measurement.ts';
import { millisecondsText, percentText, perMillionText } from './figures.ts';
import { lostPerMillion } from './judging/lost-ids.ts';
import { CLIENTS, type LostUpdates, measureLostUpdates } from './lost-updates/measurement.ts';

/** Contention that the headline is for. */
const CLIENTS_PER_KEY = 8;

/** One arm in the picture. */
interface Bubble {
  readonly arm: ArmId;
  readonly title: string;
  readonly text: string;
  readonly p50Ms: number | undefined;
  /** Of the whole update; the slowest that was seen where 100 were not. */
  readonly p99Ms: number | undefined;
  readonly lostPerMillion: number | undefined;
  /** In the partition, both sides, 0 to 1. */
  readonly availability: number | undefined;
}

export const headline: Experiment = {
  id: 'headline',
  title: 'Eventual against compare-and-set',
  run: async (context): Promise<Section> => {
    const lost = await measureLostUpdates(context);
    const faults = await measureFaults(context);
    const bubbles = ARMS.map(({ id, title, text }): Bubble => {
      const point = lost.points.find(
        ({ arm, clientsPerKey }) => arm === id && clientsPerKey === CLIENTS_PER_KEY,
      );
      return {
        ...{ arm: id, title, text, p50Ms: point?.p50Ms, p99Ms: point?.p99Ms },
        lostPerMillion: point === undefined ? undefined : lostPerMillion(point.judgement),
        availability: availabilityInPartition(faults, id),
      };
    });
    return headlineSection(bubbles, lost);
  },
};

function headlineSection(bubbles: readonly Bubble[], { slotMs, repeats }: LostUpdates): Section {
  return {
    id: 'headline',
    title: 'Eventual against compare-and-set',
    question: 'What does it take that no acknowledged update gets lost, and what does it cost?',
    answer: answerOf(bubbles),
    figures: [figureOf(bubbles, { slotMs, repeats })],
    tables: [
      {
        title: `${CLIENTS_PER_KEY} clients on each key; a partition of five nodes into two and three`,
        head: [
          'arm',
          'what its client does',
          'lost per million',
          'p50 ms',
          'p99 ms',
          'answered well in the partition',
        ],
        rows: bubbles.map((bubble) => [
          bubble.title,
          bubble.text,
          perMillionText(bubble.lostPerMillion),
          millisecondsText(bubble.p50Ms),
          millisecondsText(bubble.p99Ms),
          percentText(bubble.availability),
        ]),
      },
    ],
    metrics: [],
    remarks: [
      'Lost updates and latencies are those of the section on lost updates, availability is that of the section on faults, both sides of the partition together; clients are on both sides in equal numbers.',
    ],
  };
}

function answerOf(bubbles: readonly Bubble[]): string {
  const of = (arm: ArmId): Bubble | undefined => bubbles.find((bubble) => bubble.arm === arm);
  const [lastWrite, merged, swapped] = [of('E1'), of('E2'), of('C2')];
  if (lastWrite === undefined || merged === undefined || swapped === undefined)
    return 'Nothing was measured.';
  const cost = (bubble: Bubble): string =>
    `p50 ${millisecondsText(bubble.p50Ms)} ms, ${percentText(bubble.availability)} answered well in a partition`;
  const lostShare = (lastWrite.lostPerMillion ?? 0) / 10_000;
  return `With ${CLIENTS_PER_KEY} clients on a key, last-write-wins loses ${lostShare.toFixed(0)} % of the acknowledged updates; merging siblings (${cost(merged)}) and compare-and-set (${cost(swapped)}) lose ${lossOf([merged, swapped])}.`;
}

function lossOf(bubbles: readonly Bubble[]): string {
  const most = Math.max(...bubbles.map((bubble) => bubble.lostPerMillion ?? 0));
  return most === 0 ? 'none' : `up to ${perMillionText(most)} per million`;
}

function figureOf(
  bubbles: readonly Bubble[],
  { slotMs, repeats }: { readonly slotMs: number; readonly repeats: number },
): Figure {
  return {
    id: 'headline',
    title: 'Latency, lost updates, and availability in a partition (area)',
    type: 'bubbles',
    loadModel: {
      type: 'closed',
      text: `${CLIENTS} clients, ${CLIENTS_PER_KEY} on each key, each updating as fast as it can, ${repeats} windows of ${slotMs} ms for each arm; availability: open loop, updates due at even times on both sides of the partition`,
    },
    x: { label: 'p99 of an update', unit: 'ms', scale: 'logarithmic' },
    y: { label: 'lost updates per million', scale: 'linear' },
    series: bubbles.map((bubble) => ({
      name: bubble.title,
      origin: 'measured',
      points:
        bubble.p99Ms === undefined
          ? []
          : [
              {
                x: bubble.p99Ms,
                y: bubble.lostPerMillion ?? null,
                ...(bubble.availability === undefined ? {} : { size: bubble.availability }),
                label: `${bubble.arm}: ${percentText(bubble.availability)} in the partition`,
              },
            ],
    })),
  };
}
