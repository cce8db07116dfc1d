/** What `stale-reads` has found, as a section. */
import type { Figure, LoadModel, Section, Series, Table } from '../../report/document.ts';
import { describeHealth } from '../clients/health.ts';
import type { Observation } from '../clients/jobs.ts';
import { percentText, pointOf } from '../figures.ts';
import { LINK_MS, OFFSETS_MS, type StalenessOfQuorum, type StaleReads } from './measurement.ts';
import { freshAfter, freshWithin, type Quorums } from './pbs.ts';
import { verdictOf } from '../judging/verdict.ts';

/** For the model. */
const TRIALS = 5_000;
const VERSIONS = [1, 2, 3, 5, 10] as const;

/** Figures, tables and the answer. */
export function staleReadsSection(found: StaleReads): Section {
  const { measured, failures, healths, writeWayMs, readWayMs } = found;
  const models = modelsOf(found);
  return {
    id: 'stale-reads',
    title: 'Stale reads',
    question:
      'How likely is a read to be older than the newest write that was acknowledged before it began, by N, R, W and the time since?',
    answer: answerOf(measured),
    figures: figuresOf(found, models),
    tables: [afterTable(found, models), withinTable(found)],
    metrics: measured.map(({ quorums, after }) => ({
      name: `${nameOf(quorums)}: fresh at once`,
      unit: '%',
      better: 'higher',
      samples: after.map((repeat) => 100 * (freshShare(at(repeat, 0)) ?? 0)),
    })),
    remarks: [
      `Links between nodes take ${LINK_MS} ms each way here, by a proxy on each. Every request goes by plain HTTP through a home replica drawn at random; the client library would send all writes of a key to the first.`,
      'The closed form of the model is a bound for a store whose writes reach W replicas and no other. Quorate sends each write to all N at once, and 1 % of the reads ask all N and repair what is behind: it is the fresher, the later one reads.',
      `The dashed curves over time are simulated (WARS), each message taking a time drawn from those measured here: ${writeWayMs.toFixed(1)} ms one way for a write with its sync, ${readWayMs.toFixed(1)} ms for a read (medians; half of the round trips, for one way cannot be measured with the clock of a client).`,
      'Within k versions: versions are written without a pause, so that several are on their way at once; where W > 1 a version waits for other replicas, and few are.',
      ...(failures > 0 ? [`${failures} requests were not answered well, or showed siblings.`] : []),
      describeHealth(healths),
    ],
    verdict: verdictOf(
      staleInStrictQuorums(measured),
      'Where R + W > N, no read was older than the newest write acknowledged before it began.',
    ),
  };
}

/** The share of fresh reads at each offset, 0 to 1, by the model. */
type Models = ReadonlyMap<StalenessOfQuorum, ReadonlyMap<number, number>>;

function modelsOf({ measured, delays }: StaleReads): Models {
  return new Map(
    measured.map((of) => [
      of,
      new Map(OFFSETS_MS.map((ms) => [ms, freshAfter(ms, of.quorums, delays, TRIALS)] as const)),
    ]),
  );
}

function answerOf(measured: readonly StalenessOfQuorum[]): string {
  const weak = measured.find(({ quorums: { n, r, w } }) => n === 3 && r === 1 && w === 1);
  const strict = measured.find(({ quorums: { n, r, w } }) => n === 3 && r === 2 && w === 2);
  if (weak === undefined || strict === undefined) return 'Nothing was measured.';
  const last = OFFSETS_MS.at(-1) ?? 0;
  const share = (of: StalenessOfQuorum, offsetMs: number): string =>
    percentText(freshShare(at(of.after.flat(), offsetMs)));
  return `At N=3, R=W=1 a read at once after a write shows it in ${share(weak, 0)} of the cases (a store that left the others behind: ${percentText(freshWithin(1, weak.quorums))}) and after ${last} ms in ${share(weak, last)}; at R=W=2 in ${share(strict, 0)}.`;
}

/** Of the planned offset. */
function at(observations: readonly Observation[], offsetMs: number): readonly Observation[] {
  return observations.filter(({ afterMs }) => afterMs === offsetMs);
}

/** Share of reads that were behind by fewer than `versions`, 0 to 1. */
function freshShare(observations: readonly Observation[], versions = 1): number | undefined {
  if (observations.length === 0) return undefined;
  return observations.filter(({ lag }) => lag < versions).length / observations.length;
}

function nameOf({ n, r, w }: Quorums): string {
  return `N=${n} R=${r} W=${w}`;
}

function figuresOf({ measured, repeats }: StaleReads, models: Models): readonly Figure[] {
  const loadModel = (text: string): LoadModel => ({
    type: 'closed',
    text: `one writer on each of 8 keys, ${text}; ${repeats} ${repeats === 1 ? 'window' : 'windows'} for each N, R and W`,
  });
  const series = (
    measuredPoints: (of: StalenessOfQuorum) => Series['points'],
    computedPoints: (of: StalenessOfQuorum) => Series['points'],
  ): readonly Series[] =>
    measured.flatMap((of) => [
      { name: nameOf(of.quorums), origin: 'measured', points: measuredPoints(of) },
      { name: `${nameOf(of.quorums)}, model`, origin: 'computed', points: computedPoints(of) },
    ]);
  const y = { label: 'reads that are fresh, %', scale: 'linear' } as const;
  return [
    {
      ...{ id: 'fresh-after', title: 'Fresh reads by time since the write', type: 'lines', y },
      loadModel: loadModel('a read a while after each version, then the next version'),
      x: { label: 'from the acknowledgement to the beginning of the read', unit: 'ms', scale: 'linear' },
      series: series(
        ({ after }) =>
          OFFSETS_MS.map((offsetMs) => ({
            x: offsetMs,
            ...pointOf(after.map((repeat) => percentOf(freshShare(at(repeat, offsetMs))))),
          })),
        (of) =>
          OFFSETS_MS.map((offsetMs) => ({ x: offsetMs, y: 100 * (models.get(of)?.get(offsetMs) ?? 0) })),
      ),
    },
    {
      ...{ id: 'fresh-within', title: 'Reads within k versions of the newest', type: 'lines', y },
      loadModel: loadModel('writing versions without a pause, and one reader on each'),
      x: { label: 'k, versions', scale: 'linear' },
      series: series(
        ({ burst }) =>
          VERSIONS.map((versions) => ({
            x: versions,
            ...pointOf(burst.map((repeat) => percentOf(freshShare(repeat, versions)))),
          })),
        ({ quorums }) =>
          VERSIONS.map((versions) => ({ x: versions, y: 100 * freshWithin(versions, quorums) })),
      ),
    },
  ];
}

function percentOf(share: number | undefined): number | undefined {
  return share === undefined ? undefined : 100 * share;
}

function afterTable({ measured }: StaleReads, models: Models): Table {
  return {
    title: 'Fresh so long after the acknowledgement: measured (model)',
    head: ['', ...OFFSETS_MS.map((ms) => `${ms} ms`), 'reads'],
    rows: measured.map((of) => [
      nameOf(of.quorums),
      ...OFFSETS_MS.map((ms) => {
        const share = freshShare(at(of.after.flat(), ms));
        return `${percentText(share)} (${percentText(models.get(of)?.get(ms))})`;
      }),
      String(of.after.flat().length),
    ]),
  };
}

function withinTable({ measured }: StaleReads): Table {
  return {
    title: 'Within k versions of the newest: measured (closed form of the model)',
    head: ['', ...VERSIONS.map((versions) => `k=${versions}`), 'reads', 'versions/s of a key'],
    rows: measured.map(({ quorums, burst, burstWritesPerSecond }) => [
      nameOf(quorums),
      ...VERSIONS.map(
        (versions) =>
          `${percentText(freshShare(burst.flat(), versions))} (${percentText(freshWithin(versions, quorums))})`,
      ),
      String(burst.flat().length),
      burstWritesPerSecond.toFixed(0),
    ]),
  };
}

function staleInStrictQuorums(measured: readonly StalenessOfQuorum[]): readonly string[] {
  return measured.flatMap(({ quorums, after, burst }) => {
    const stale = [...after.flat(), ...burst.flat()].filter(({ lag }) => lag > 0).length;
    const isStrict = quorums.r + quorums.w > quorums.n;
    return isStrict && stale > 0 ? [`${stale} reads at ${nameOf(quorums)} were stale`] : [];
  });
}
