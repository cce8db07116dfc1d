/** What is told of a cluster with a great many keys: the section, from what was measured. */
import { pointOf } from '../capacity/summary-parts.ts';
import {
  countedTables,
  cpuTable,
  gridRemarks,
  gridVerdict,
  loadModelOf,
  metricsOf,
  outcomeTable,
  speedTable,
} from '../capacity/summary-parts.ts';
import { summarize, type Samples, type ScenarioSummary } from '../capacity/summary.ts';
import type { Figure, LoadModel, Metric, Section, Table, Verdict } from '../report/document.ts';
import { megabytes, percent, whole, withRange } from '../report/number-format.ts';
import type { ResidentMemory } from '../system/process-cost.ts';
import { answerOf, sharesOf, type Share } from './judgement.ts';
import { VALUE_BYTES, type LoadedCluster } from './loaded-cluster.ts';
import { FEW, KINDS, MANY, scenarioName, type ManyKeysResult, type NodeMemory } from './measurement.ts';

export const ID = 'many-keys';
export const TITLE = 'A great many keys';

export function sectionOf(result: ManyKeysResult): Section {
  const { plan, grid, early, scenarios, memory } = result;
  const summaries = summarize(scenarios, grid);
  const shares = sharesOfKinds(summaries);
  const loadModel = loadModelOf(plan);
  const few = clusterOf(result, FEW);
  const many = clusterOf(result, MANY);
  const startSeconds = many.starts.map(({ readySeconds }) => readySeconds);
  return {
    id: ID,
    title: TITLE,
    question: `What do ${whole(many.keys)} keys on each node change, with values of ${VALUE_BYTES} B?`,
    answer: answerOf({
      keys: many.keys,
      fewKeys: few.keys,
      startSeconds,
      memory: memoryOfCluster(memory, MANY),
      shares,
    }),
    figures: [rateFigure(summaries, [few, many], loadModel)],
    tables: [
      startTable([few, many]),
      memoryTable(memory),
      sharesTable(shares, earlyShares(result)),
      speedTable(summaries),
      outcomeTable(summaries),
      cpuTable(summaries),
      ...countedTables(summaries),
    ],
    metrics: [...metricsOf(summaries), ...metricsOfNodes(startSeconds, memory, shares)],
    remarks: [...remarksOf(result), ...gridRemarks(grid, summaries)],
    verdict: bothVerdicts(gridVerdict(early), gridVerdict(grid)),
  };
}

function clusterOf({ clusters }: ManyKeysResult, name: string): LoadedCluster {
  const found = clusters.find((cluster) => cluster.name === name);
  if (found === undefined) throw new Error(`there is no cluster ${name}`);
  return found;
}

function sharesOfKinds(summaries: readonly ScenarioSummary[], prefix = ''): readonly Share[] {
  const rates = (kind: string, cluster: string): Samples =>
    summaries.find(({ scenario }) => scenario.name === `${prefix}${scenarioName(kind, cluster)}`)
      ?.operationsPerSecond ?? [];
  return KINDS.map(({ name, title }) => ({ title, samples: sharesOf(rates(name, MANY), rates(name, FEW)) }));
}

function earlyShares({ early, scenarios }: ManyKeysResult): readonly Share[] {
  const named = scenarios.map((scenario) => ({ ...scenario, name: `early-${scenario.name}` }));
  return sharesOfKinds(summarize(named, early), 'early-');
}

/** Of all nodes of a cluster, at each look. */
function memoryOfCluster(memory: readonly NodeMemory[], cluster: string): readonly ResidentMemory[] {
  return memory
    .filter(({ node }) => node.startsWith(`${cluster} `))
    .flatMap(({ started, atRest, loaded }) => [started, atRest, loaded])
    .filter((look) => look !== undefined);
}

export function startTable(
  clusters: readonly Pick<LoadedCluster, 'keys' | 'starts' | 'loadSeconds'>[],
): Table {
  return {
    title:
      'Loading all nodes, and from the start of a process to readiness (/readyz), one node after the other',
    head: ['keys on each node', 'loaded in s', 'node', 'ready after s'],
    rows: clusters.flatMap(({ keys, starts, loadSeconds }) =>
      starts.map(({ node, readySeconds }, place) => [
        place === 0 ? whole(keys) : '',
        place === 0 ? loadSeconds.toFixed(0) : '',
        node,
        readySeconds.toFixed(2),
      ]),
    ),
  };
}

export function memoryTable(memory: readonly NodeMemory[]): Table {
  return {
    title:
      'Resident memory of the nodes (of which pages of data files, which the system takes back), and disk',
    head: ['', 'at readiness', 'digest trees built', 'after load', 'on disk'],
    rows: memory.map(({ node, started, atRest, loaded, diskBytes }) => [
      node,
      ...[started, atRest, loaded].map(memoryCell),
      megabytes(diskBytes),
    ]),
  };
}

function memoryCell(memory: ResidentMemory | undefined): string {
  if (memory === undefined) return '-';
  return `${megabytes(memory.total)} (${megabytes(memory.mappedFiles)})`;
}

export function sharesTable(shares: readonly Share[], early: readonly Share[]): Table {
  return {
    title: 'Rate with many keys as a part of that with few, in the same turn',
    head: ['', 'digest trees built', 'while they are built'],
    rows: shares.map(({ title, samples }, place) => [
      title,
      withRange(samples, percent),
      withRange(early[place]?.samples ?? [], percent),
    ]),
  };
}

function rateFigure(
  summaries: readonly ScenarioSummary[],
  clusters: readonly LoadedCluster[],
  loadModel: LoadModel,
): Figure {
  return {
    id: 'rate',
    title: 'Operations per second',
    type: 'bars',
    loadModel,
    x: { label: '', scale: 'category', categories: KINDS.map(({ title }) => title) },
    y: { label: 'operations/s', scale: 'linear' },
    series: clusters.map(({ name, keys }) => ({
      name: `${whole(keys)} keys`,
      origin: 'measured',
      points: KINDS.map((kind, x) => {
        const wanted = scenarioName(kind.name, name);
        const summary = summaries.find(({ scenario }) => scenario.name === wanted);
        return pointOf(x, summary?.operationsPerSecond ?? []);
      }),
    })),
  };
}

function metricsOfNodes(
  startSeconds: Samples,
  memory: readonly NodeMemory[],
  shares: readonly Share[],
): readonly Metric[] {
  const loaded = memory
    .filter(({ node }) => node.startsWith(`${MANY} `))
    .flatMap((node) => node.loaded ?? []);
  return [
    { name: 'many ready', unit: 's', better: 'lower', samples: startSeconds },
    { name: 'many memory', unit: 'B', better: 'lower', samples: loaded.map(({ total }) => total) },
    { name: 'many own memory', unit: 'B', better: 'lower', samples: loaded.map(({ own }) => own) },
    ...shares.map(
      ({ title, samples }): Metric => ({
        name: `${title}, share`,
        unit: 'of the rate with few keys',
        better: 'higher',
        samples,
      }),
    ),
  ];
}

function remarksOf({ rest }: ManyKeysResult): readonly string[] {
  const cpu =
    rest.cpuSeconds.length === 0
      ? ''
      : `, with ${whole(Math.max(...rest.cpuSeconds))} s of CPU time of a node`;
  return [
    "The keys were not written by HTTP: a process of the bench made the records by the store's own code, in the order of their names, which is none on the disk; the second and the third node got copies of the files, as replicas hold the same bytes.",
    'The data files were in the memory of the system when the nodes started: after a boot of the machine a start also waits for the disk.',
    rest.isReached
      ? `After the start the nodes build digest trees of all their records, and serve meanwhile. When the first turn was over, that took ${whole(rest.seconds)} s more${cpu}.`
      : `The nodes were not at rest after ${whole(rest.seconds)} s: what is measured after that is measured while they build digest trees.`,
    'Each repeat adds keys: the cluster with few keys has more of them at the end.',
  ];
}

function bothVerdicts(one: Verdict, other: Verdict): Verdict {
  if (one.isSound && other.isSound) return other;
  const texts = [one, other].filter(({ isSound }) => !isSound).map(({ text }) => text);
  return { isSound: false, text: texts.join('; ') };
}
