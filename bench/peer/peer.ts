/**
 * The section `peer-etcd`: the same requests to the store and to etcd, on the same machine, in the same run, by turns, from the
 * same load generator. etcd is the store that users of compare-and-set know, and as durable: an answer to a write means a
 * synced log on a majority.
 */
import { ETCD } from '../capacity/contestants.ts';
import type { GridOptions } from '../capacity/capacity.ts';
import { runGrid, type GridPlan } from '../capacity/grid-run.ts';
import {
  loadingOf,
  QUORATE,
  REQUESTS,
  REQUEST_TITLES,
  yardstickScenarios,
  type RequestName,
  type Scenario,
} from '../capacity/scenarios.ts';
import {
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
import type { Experiment } from '../experiments/experiment.ts';
import type { Figure, LoadModel, Section, Table } from '../report/document.ts';
import { medianOf, percent, whole, withRange } from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';
import { findEtcd } from './etcd.ts';
import type { EtcdWorkload } from './etcd-workload.ts';

const TITLE = 'Beside etcd';
const QUESTION = 'How does it compare with etcd, which keeps one log for all keys?';

/** What is compared with what: the nearest that the other has. */
const PAIRS: readonly {
  readonly title: string;
  readonly quorate: RequestName;
  readonly etcd: EtcdWorkload['operation'];
}[] = [
  { title: 'PUT W=2 / put', quorate: 'put-w2', etcd: 'put' },
  { title: 'GET linearizable / range', quorate: 'get-linearizable', etcd: 'range' },
  { title: 'GET R=2 / range', quorate: 'get-r2', etcd: 'range' },
  { title: 'GET R=1 / serializable range', quorate: 'get-r1', etcd: 'range-serializable' },
  { title: 'PUT If-Match / transaction', quorate: 'update-cas', etcd: 'compare-and-swap' },
  { title: 'PUT W=2 / v2 PUT', quorate: 'put-w2', etcd: 'v2-put' },
  { title: 'GET R=2 / v2 quorum GET', quorate: 'get-r2', etcd: 'v2-get-quorum' },
  { title: 'GET R=1 / v2 GET', quorate: 'get-r1', etcd: 'v2-get' },
];

/** Which of etcd's requests tell what its gateway costs: the same without it. */
const GATEWAY: readonly (readonly [through: string, without: string])[] = [
  ['etcd-put', 'etcd-v2-put'],
  ['etcd-range', 'etcd-v2-get-quorum'],
  ['etcd-range-serializable', 'etcd-v2-get'],
];
/** From this part of the CPU time on, the gateway is what limits etcd here. */
const GATEWAY_LIMIT = 0.25;

const DIFFERENCES: readonly string[] = [
  'Durable alike: both answer a write when two of three nodes have synced it. Quorate writes a record per key on each of its replicas, etcd one log through one leader.',
  'Ordered differently: every write of etcd is linearizable, over all keys. A PUT of Quorate at W=2 is not ordered against others of its key (they become siblings); only its conditional writes and linearizable GETs are, for each key alone.',
  "The quorum GET of Quorate sees every write acknowledged before it began, but is not linearizable; its local GET (R=1) asks one replica, as etcd's serializable read does.",
  'etcd is asked through its JSON gateway, which hands each request on as gRPC to itself; its values travel in base64, a third longer. A client that speaks gRPC spares it that. Its old v2 API has neither, but also another store (in memory, in one tree). etcd keeps every version of a key until it is compacted; Quorate keeps only what is live.',
  'etcd is asked through its leader, its best case; Quorate through its first node, which is as good as any.',
];

export function etcdExperiment(options: GridOptions): Experiment {
  return {
    id: `peer-${ETCD}`,
    title: TITLE,
    run: async (context) => {
      const program = findEtcd();
      if (program === undefined) return missingSection();
      const plan = planOf(options, program);
      const result = await runGrid({ ...plan, seed: context.seed }, context);
      const summaries = summarize(plan.scenarios, result);
      const pairs = pairsOf(summaries);
      return {
        id: `peer-${ETCD}`,
        title: TITLE,
        question: QUESTION,
        answer: answerOf(pairs),
        figures: [
          pairFigure(pairs, loadModelOf(plan), {
            id: 'rate',
            title: 'Requests per second',
            label: 'requests/s',
          }),
          pairFigure(pairs, loadModelOf(plan), {
            id: 'cpu',
            title: 'CPU time per request, all nodes together',
            label: 'CPU',
            unit: 'µs',
          }),
        ],
        tables: [ratioTable(pairs), speedTable(summaries), outcomeTable(summaries), cpuTable(summaries)],
        metrics: metricsOf(summaries),
        remarks: [
          gatewayRemark(summaries),
          ...DIFFERENCES,
          ...syncRemark(options),
          ...gridRemarks(result, summaries),
        ],
        verdict: gridVerdict(result),
      } satisfies Section;
    },
  };
}

function missingSection(): Section {
  return {
    id: `peer-${ETCD}`,
    title: TITLE,
    question: QUESTION,
    answer:
      'Not measured: there is no `etcd` on the PATH. Debian and Ubuntu have it in the package etcd-server.',
    figures: [],
    tables: [],
    metrics: [],
    remarks: [],
  };
}

function planOf({ measuring, connections, storedKeys, fsync }: GridOptions, etcd: string): GridPlan {
  const common = { through: 'one node', storedKeys } as const;
  const own = (name: RequestName): Scenario => ({
    ...common,
    name,
    title: `Quorate ${REQUEST_TITLES[name]}`,
    target: QUORATE,
    workload: REQUESTS[name],
  });
  const theirs = (operation: EtcdWorkload['operation']): Scenario => ({
    ...common,
    name: `etcd-${operation}`,
    title: `etcd ${operation}`,
    target: ETCD,
    workload: { type: 'etcd', operation },
  });
  // Each beside its counterparts, so that both find the machine alike.
  const seen = new Set<string>();
  const inTurns = PAIRS.map(({ quorate }) => quorate)
    .flatMap((name) => [
      own(name),
      ...PAIRS.filter(({ quorate }) => quorate === name).map((pair) => theirs(pair.etcd)),
    ])
    .filter(({ name }) => !seen.has(name) && seen.add(name) !== undefined);
  return {
    lineup: { clusters: [{ name: QUORATE, nodeCount: 3, fsync }], hasYardstick: true, etcd },
    loadings: [
      loadingOf(QUORATE, storedKeys),
      { target: ETCD, workload: { type: 'etcd', operation: 'load' }, keys: storedKeys },
      { target: ETCD, workload: { type: 'etcd', operation: 'v2-load' }, keys: storedKeys },
    ],
    scenarios: [...yardstickScenarios(storedKeys).slice(0, 1), ...inTurns],
    measuring,
    connections,
    seed: 1,
  };
}

/** What etcd itself spends beside what it would spend without the gateway. */
function gatewayRemark(summaries: readonly ScenarioSummary[]): string {
  const cpuOf = (name: string) =>
    spreadOf(summaries.find(({ scenario }) => scenario.name === name)?.serverCpuUs ?? [])?.median;
  const parts = GATEWAY.flatMap(([through, without]) => {
    const [all, rest] = [cpuOf(through), cpuOf(without)];
    return all === undefined || rest === undefined ? [] : [{ name: through, part: 1 - rest / all }];
  });
  const limited = parts.filter(({ part }) => part > GATEWAY_LIMIT);
  const shares = parts
    .map(({ name, part }) => `${percent(Math.max(0, part))} of ${name.replace('etcd-', '')}`)
    .join(', ');
  return (
    `By CPU time beside the v2 API, the gateway takes about ${shares}` +
    (limited.length === 0
      ? ': it is not what limits etcd here.'
      : `: it limits ${limited.length === parts.length ? 'etcd' : limited.map(({ name }) => name.replace('etcd-', '')).join(', ')} here, and gRPC clients would get more.`)
  );
}

function syncRemark({ fsync }: GridOptions): readonly string[] {
  return fsync ? [] : ['Quorate was measured without fsync, etcd with it: writes cannot be compared.'];
}

interface PairSummary {
  readonly title: string;
  readonly quorate: ScenarioSummary;
  readonly etcd: ScenarioSummary;
}

function pairsOf(summaries: readonly ScenarioSummary[]): readonly PairSummary[] {
  const named = (name: string) => summaries.find(({ scenario }) => scenario.name === name);
  return PAIRS.flatMap(({ title, quorate, etcd }) => {
    const [own, theirs] = [named(quorate), named(`etcd-${etcd}`)];
    return own === undefined || theirs === undefined ? [] : [{ title, quorate: own, etcd: theirs }];
  });
}

/** Of each repeat by itself. */
function ratios(above: Samples, below: Samples): Samples {
  return above.flatMap((value, index) => {
    const unit = below[index];
    return unit === undefined || unit === 0 ? [] : [value / unit];
  });
}

function answerOf(pairs: readonly PairSummary[]): string {
  const texts = pairs
    .filter(({ etcd }) => !etcd.scenario.name.startsWith('etcd-v2'))
    .map(
      ({ title, quorate, etcd }) =>
        `${title} ${medianOf(ratios(quorate.operationsPerSecond, etcd.operationsPerSecond), (value) => value.toFixed(2))}`,
    );
  return `Rate of Quorate in units of etcd's (linearizable unless said otherwise): ${texts.join(', ')}.`;
}

function ratioTable(pairs: readonly PairSummary[]): Table {
  const ratio = (samples: Samples) => withRange(samples, (value) => value.toFixed(2));
  return {
    title: 'Quorate in units of etcd, of each repeat: medians (lowest-highest)',
    head: ['', 'Quorate/s', 'etcd/s', 'rate', 'CPU of all nodes', 'p99'],
    rows: pairs.map(({ title, quorate, etcd }) => [
      title,
      medianOf(quorate.operationsPerSecond, whole),
      medianOf(etcd.operationsPerSecond, whole),
      ratio(ratios(quorate.operationsPerSecond, etcd.operationsPerSecond)),
      ratio(ratios(quorate.serverCpuUs, etcd.serverCpuUs)),
      ratio(ratios(quorate.p99Us, etcd.p99Us)),
    ]),
  };
}

function pairFigure(
  pairs: readonly PairSummary[],
  loadModel: LoadModel,
  {
    id,
    title,
    label,
    unit,
  }: { readonly id: 'rate' | 'cpu'; readonly title: string; readonly label: string; readonly unit?: string },
): Figure {
  const samples = (summary: ScenarioSummary) =>
    id === 'rate' ? summary.operationsPerSecond : summary.serverCpuUs;
  return {
    id,
    title,
    type: 'bars',
    loadModel,
    x: { label: '', scale: 'category', categories: pairs.map((pair) => pair.title) },
    y: { label, scale: 'linear', ...(unit === undefined ? {} : { unit }) },
    series: (['quorate', 'etcd'] as const).map((side) => ({
      name: side === 'quorate' ? 'Quorate' : 'etcd',
      origin: 'measured',
      points: pairs.map((pair, x) => pointOf(x, samples(pair[side]))),
    })),
  };
}
