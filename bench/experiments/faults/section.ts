/** What `faults` has found, as a section. */
import type { Figure, LoadModel, Section, Series, Table } from '../../report/document.ts';
import { ARM_IDS, type ArmId, ARMS, armOf } from '../arms/arms.ts';
import { describeHealth } from '../clients/health.ts';
import type { ToldUpdate } from '../clients/jobs.ts';
import { type PhaseName, type Schedule, SIDES } from './schedule.ts';
import { SLOW_MS } from './script.ts';
import { type Faults, TIMEOUT_MS, UPDATES_PER_SECOND } from './measurement.ts';
import { millisecondsText, percentText } from '../figures.ts';
import { lostPerMillion } from '../judging/lost-ids.ts';
import { quantile } from '../judging/quantile.ts';
import { between, bucketsOf, type Fate, shareWell } from '../judging/timeline.ts';
import { verdictOf } from '../judging/verdict.ts';

const BUCKET_MS = 200;
/** What a cluster with nothing broken answers well at least, at a load that it can bear. */
const CALM_SHARE = 0.98;

/** Figures, tables and the answer. */
export function faultsSection(measured: Faults): Section {
  const { result, broken } = measured;
  return {
    id: 'faults',
    title: 'Faults',
    question:
      'When a node is killed, the cluster falls in two, or a node is slow: which updates are still answered well, where, and what is left to clear up?',
    answer: answerOf(measured),
    figures: figuresOf(measured),
    tables: [...phaseTables(measured), ...aftermathTables(measured)],
    metrics: ARM_IDS.flatMap((arm) => [
      {
        name: `${arm}: answered well in the partition`,
        unit: '%',
        better: 'higher',
        samples: [100 * (availabilityInPartition(measured, arm) ?? 0)],
      },
      {
        name: `${arm}: answered well in all`,
        unit: '%',
        better: 'higher',
        samples: [100 * (shareWell(updatesOf(measured, arm)) ?? 0)],
      },
    ]),
    remarks: [
      'All keys have the home replicas n1, n3 and n4, so the smaller side has a minority of each. Quorums are sloppy, as by default: a write goes on with stand-ins where home replicas are out of reach; but a stand-in that has nothing of a key says nothing to a read at quorum.',
      `Whoever is "answered well" has an acknowledgement within ${TIMEOUT_MS} ms; "not applied" is a refusal that says so, "unknown" an end without knowledge.`,
      'A partition is silent: bytes are lost, connections stay open, and nodes find out by themselves. All arms run at once, on keys of their own.',
      'In faults E1 loses updates as it does without any; siblings of E1 are dropped by its next reader.',
      ...overloadRemarks(measured),
      describeHealth([result.health]),
    ],
    verdict: verdictOf(
      broken,
      'After everything was mended all replicas became equal; E2, E3, C1 and C2 hold every acknowledged update, nothing that was called not applied appeared, and what the clients of C1 and C2 were told is linearizable.',
    ),
  };
}

/** Faults cannot be told from a machine that is too slow for the load. */
function overloadRemarks(measured: Faults): readonly string[] {
  const share = shareWell(inPhase(measured, measured.result.updates, 'calm')) ?? 0;
  return share > CALM_SHARE
    ? []
    : [
        `Only ${percentText(share)} were answered well before anything was broken: this machine was too busy for the load, and the figures are those of an overload, too.`,
      ];
}

/**
 * Share of an arm's updates that were answered well while the sides were parted, 0 to 1; on both sides, if none is named. Those
 * that were still on their way when the partition ended are left out: they may owe their answer to that.
 */
export function availabilityInPartition(
  measured: Faults,
  arm: ArmId,
  side?: keyof typeof SIDES,
): number | undefined {
  const { partMs, healMs } = measured.schedule;
  const updates = updatesOf(measured, arm, side === undefined ? undefined : SIDES[side]);
  return shareWell(between(updates, partMs, healMs - TIMEOUT_MS));
}

function answerOf(measured: Faults): string {
  const share = (arm: ArmId, side: keyof typeof SIDES): string =>
    percentText(availabilityInPartition(measured, arm, side));
  return `In the partition, merging at quorum was answered well in ${share('E3', 'minority')} of the cases on the minority side and ${share('E3', 'majority')} on the other, compare-and-set (C2) in ${share('C2', 'minority')} and ${share('C2', 'majority')}.`;
}

function updatesOf({ result }: Faults, arm: ArmId, side?: string): readonly ToldUpdate[] {
  return result.updates.filter(
    (told) => told.dueMs >= 0 && told.arm === arm && (side === undefined || told.side === side),
  );
}

function inPhase(
  { phases }: Faults,
  updates: readonly ToldUpdate[],
  phase: PhaseName,
): readonly ToldUpdate[] {
  const found = phases.find(({ name }) => name === phase);
  return found === undefined ? [] : between(updates, found.fromMs, found.toMs);
}

function figuresOf(measured: Faults): readonly Figure[] {
  const events = eventsOf(measured.schedule);
  const loadModel: LoadModel = {
    type: 'open',
    text: `${UPDATES_PER_SECOND} updates a second by each arm on each side, due at even times and begun then whatever became of those before; buckets of ${BUCKET_MS} ms by the time at which they were due`,
  };
  const figure = (id: string, title: string, label: string, series: readonly Series[]): Figure => ({
    ...{ id, title, type: 'steps', loadModel, events, series },
    x: { label: 'time', unit: 's', scale: 'linear' },
    y: { label, scale: 'linear' },
  });
  const counted = (fate: Fate): readonly Series[] => seriesOf(measured, undefined, (bucket) => bucket[fate]);
  return [
    ...(['minority', 'majority'] as const).map((side) =>
      figure(
        `well-${side}`,
        `Answered well on the ${SIDES[side]}`,
        'updates answered well, %',
        seriesOf(measured, SIDES[side], ({ well, refused, unknown }) =>
          well + refused + unknown === 0 ? null : (100 * well) / (well + refused + unknown),
        ),
      ),
    ),
    figure('refused', 'Refused, surely not applied', 'updates in a bucket, both sides', counted('refused')),
    figure('unknown', 'Ended without knowledge', 'updates in a bucket, both sides', counted('unknown')),
  ];
}

function seriesOf(
  measured: Faults,
  side: string | undefined,
  y: (bucket: { readonly well: number; readonly refused: number; readonly unknown: number }) => number | null,
): readonly Series[] {
  return ARMS.map(({ id, title }) => ({
    name: title,
    origin: 'measured',
    points: bucketsOf(updatesOf(measured, id, side), BUCKET_MS, measured.schedule.endMs).map((bucket) => ({
      x: bucket.fromMs / 1_000,
      y: y(bucket),
    })),
  }));
}

function eventsOf(schedule: Schedule): NonNullable<Figure['events']> {
  const { killMs, restartMs, partMs, healMs, slowMs, quickMs } = schedule;
  return [
    { x: killMs / 1_000, label: 'n3 is killed' },
    { x: restartMs / 1_000, label: 'n3 starts' },
    { x: partMs / 1_000, label: 'partition' },
    { x: healMs / 1_000, label: 'healed' },
    { x: slowMs / 1_000, label: `n4 is slow (${SLOW_MS} ms each way)` },
    { x: quickMs / 1_000, label: 'n4 is quick' },
  ];
}

function phaseTables(measured: Faults): readonly Table[] {
  return measured.phases.map(({ name, fromMs, toMs }) => ({
    title: `${name}, ${(fromMs / 1_000).toFixed(1)} to ${(toMs / 1_000).toFixed(1)} s`,
    head: ['arm', 'side', 'due', 'answered well', 'not applied', 'unknown', 'p50 ms', 'slowest ms', 'errors'],
    rows: ARMS.flatMap(({ id, title }) =>
      Object.values(SIDES).map((side) => [
        title,
        side,
        ...cellsOf(inPhase(measured, updatesOf(measured, id, side), name)),
      ]),
    ),
  }));
}

function cellsOf(updates: readonly ToldUpdate[]): readonly string[] {
  const count = (fate: Fate): number => updates.filter((told) => told.fate === fate).length;
  const codes = new Set(updates.flatMap(({ code }) => (code === undefined ? [] : [code])));
  const latencies = updates.filter(({ fate }) => fate === 'well').map(({ ms }) => ms);
  return [
    String(updates.length),
    percentText(shareWell(updates)),
    String(count('refused')),
    String(count('unknown')),
    millisecondsText(quantile(latencies, 0.5)),
    millisecondsText(quantile(latencies, 1)),
    [...codes].join(', '),
  ];
}

function aftermathTables(measured: Faults): readonly Table[] {
  const { aftermaths, findings, result } = measured;
  return [
    {
      title: 'When a fault is over',
      head: ['arm', 'keys of the phase', 'replicas equal after', 'most siblings of a key then'],
      rows: aftermaths.map(({ arm, phase, equalMs, siblings }) => [
        armOf(arm).title,
        phase,
        equalMs === undefined ? 'more than a minute' : `${(equalMs / 1_000).toFixed(1)} s`,
        String(siblings),
      ]),
    },
    {
      title: 'The whole run',
      head: ['arm', 'acknowledged', 'lost', 'lost per million', 'writes that left siblings', 'most siblings'],
      rows: ARMS.map(({ id, title, isConditional }) => {
        const judgement = findings.get(id)?.judgement;
        const { leftSiblings, mostSiblings } = result.transport[id];
        return [
          title,
          String(judgement?.acknowledged ?? 0),
          String(judgement?.lost.length ?? 0),
          judgement === undefined ? '-' : Math.round(lostPerMillion(judgement) ?? 0).toLocaleString('en'),
          ...(isConditional ? ['-', '-'] : [String(leftSiblings), String(mostSiblings)]),
        ];
      }),
    },
  ];
}
