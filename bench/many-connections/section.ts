/** What is told of a great many connections: the section, from what was measured. */
import { REQUEST_TITLES } from '../capacity/scenarios.ts';
import {
  countedTables,
  cpuTable,
  gridRemarks,
  gridVerdict,
  loadModelOf,
  metricsOf,
  outcomeTable,
  pointOf,
  speedTable,
} from '../capacity/summary-parts.ts';
import { summarize, type Samples, type ScenarioSummary } from '../capacity/summary.ts';
import { sharesOf } from '../many-keys/judgement.ts';
import type { Figure, LoadModel, Metric, Section, Table } from '../report/document.ts';
import { megabytes, percent, whole, withRange } from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';
import type { Crowd } from './crowds.ts';
import { answerOf, type CrowdFindings } from './judgement.ts';
import { KINDS, scenarioName, type Beside, type ManyConnectionsResult } from './measurement.ts';
import { PIPELINED } from './slow-reader.ts';

export const ID = 'many-connections';
export const TITLE = 'A great many connections, and slow readers';

export function sectionOf(result: ManyConnectionsResult): Section {
  const { crowds, scenarios, plan, grid } = result;
  const beside = result.beside.filter(({ repeat }) => repeat > 0);
  const summaries = summarize(scenarios, grid);
  const [alone, ...others] = crowds;
  const findings = others.map((crowd) => findingsOf(summaries, crowd, alone));
  const peaks = beside
    .filter(({ seen }) => seen !== undefined)
    .flatMap(({ peakBytes }) => Object.values(peakBytes));
  const loadModel = loadModelOf(plan);
  return {
    id: ID,
    title: TITLE,
    question: `Do ${whole(totalOf(others[0]))} connections to a node, some of them slow readers, take from what it does for ${alone.busy}?`,
    answer: answerOf(findings, alone.busy, peaks),
    figures: [
      rateFigure(summaries, crowds, {
        ...loadModel,
        text: loadModel.text.replace(/\d+ connections, each sends/, 'to one node: a busy connection sends'),
      }),
    ],
    tables: [
      sharesTable(findings),
      memoryTable(beside, scenarios),
      bystandersTable(beside, scenarios),
      speedTable(summaries),
      outcomeTable(summaries),
      cpuTable(summaries),
      ...countedTables(summaries),
    ],
    metrics: [...metricsOf(summaries), ...metricsOfShares(findings)],
    remarks: [...REMARKS, ...gridRemarks(grid, summaries)],
    verdict: gridVerdict(grid),
  };
}

const REMARKS = [
  'A busy connection sends its next request when it has the answer. An idle one makes one request and is kept open. All go to one of the three nodes.',
  `A slow reader has ${PIPELINED} requests for one value of 1, 10 or 100 KB on their way, and reads 4 KB a second, or nothing for two seconds and then all that is there. Its answers are not counted in the rates.`,
];

function totalOf(crowd: Crowd | undefined): number {
  return crowd === undefined ? 0 : crowd.busy + crowd.idle + crowd.slow;
}

function findingsOf(summaries: readonly ScenarioSummary[], crowd: Crowd, alone: Crowd): CrowdFindings {
  return {
    title: crowd.title,
    shares: KINDS.map((kind) => ({
      title: REQUEST_TITLES[kind],
      samples: sharesOf(ratesOf(summaries, kind, crowd), ratesOf(summaries, kind, alone)),
    })),
  };
}

function ratesOf(summaries: readonly ScenarioSummary[], kind: string, crowd: Crowd): Samples {
  const wanted = scenarioName(kind, crowd);
  return summaries.find(({ scenario }) => scenario.name === wanted)?.operationsPerSecond ?? [];
}

export function sharesTable(findings: readonly CrowdFindings[]): Table {
  return {
    title: 'Rate as a part of that without the many, in the same turn',
    head: ['', ...KINDS.map((kind) => REQUEST_TITLES[kind])],
    rows: findings.map(({ title, shares }) => [
      title,
      ...shares.map(({ samples }) => withRange(samples, percent)),
    ]),
  };
}

export function memoryTable(
  beside: readonly Beside[],
  scenarios: readonly { readonly name: string; readonly title: string }[],
): Table {
  const nodes = [...new Set(beside.flatMap(({ peakBytes }) => Object.keys(peakBytes)))];
  return {
    title: 'Largest resident memory of each node: medians of the repeats (lowest-highest)',
    head: ['', ...nodes],
    rows: scenarios.map(({ name, title }) => [
      title,
      ...nodes.map((node) =>
        withRange(
          beside
            .filter(({ scenario }) => scenario === name)
            .flatMap(({ peakBytes }) => peakBytes[node] ?? []),
          (bytes) => megabytes(bytes),
        ),
      ),
    ]),
  };
}

export function bystandersTable(
  beside: readonly Beside[],
  scenarios: readonly { readonly name: string; readonly title: string }[],
): Table {
  const rows = scenarios.flatMap(({ name, title }) => {
    const seen = beside.flatMap((one) => (one.scenario === name ? (one.seen ?? []) : []));
    const middle = (values: readonly number[]): number => spreadOf(values)?.median ?? 0;
    if (seen.length === 0) return [];
    return [
      [
        title,
        whole(middle(seen.map(({ idleOpen }) => idleOpen))),
        whole(middle(seen.map(({ answers }) => answers))),
        megabytes(middle(seen.map(({ bytes }) => bytes))),
        whole(middle(seen.map(({ closed }) => closed))),
      ],
    ];
  });
  return {
    title: 'Those beside the busy ones, by turn: medians',
    head: ['', 'idle and open at the end', 'answers to slow readers', 'read by them', 'closed by the node'],
    rows,
  };
}

function rateFigure(
  summaries: readonly ScenarioSummary[],
  crowds: readonly Crowd[],
  loadModel: LoadModel,
): Figure {
  return {
    id: 'rate',
    title: 'Requests per second of the busy connections',
    type: 'bars',
    loadModel,
    x: { label: '', scale: 'category', categories: KINDS.map((kind) => REQUEST_TITLES[kind]) },
    y: { label: 'requests/s', scale: 'linear' },
    series: crowds.map((crowd) => ({
      name: crowd.title,
      origin: 'measured',
      points: KINDS.map((kind, x) => pointOf(x, ratesOf(summaries, kind, crowd))),
    })),
  };
}

function metricsOfShares(findings: readonly CrowdFindings[]): readonly Metric[] {
  return findings.flatMap(({ title, shares }) =>
    shares.map(
      (share): Metric => ({
        name: `${share.title}, ${title}: share`,
        unit: 'of the rate without the many',
        better: 'higher',
        samples: share.samples,
      }),
    ),
  );
}
