/** The section `capacity`: what the store does per second at most, at which cost, beside what HTTP alone does on the machine. */
import type { Experiment } from '../experiments/experiment.ts';
import type { Section } from '../report/document.ts';
import { percent, whole } from '../report/number-format.ts';
import { spreadOf } from '../report/statistics.ts';
import { runGrid, type GridPlan, type Measuring } from './grid-run.ts';
import { capacityScenarios, loadingOf, QUORATE, yardstickScenarios } from './scenarios.ts';
import {
  barsOf,
  countedTables,
  cpuTable,
  footprintTable,
  gridRemarks,
  gridVerdict,
  loadModelOf,
  metricsOf,
  outcomeTable,
  speedTable,
} from './summary-parts.ts';
import { summarize, type ScenarioSummary } from './summary.ts';

const NODE_COUNT = 3;

/** What can be chosen for a grid. */
export interface GridOptions {
  readonly measuring: Measuring;
  readonly connections: number;
  readonly storedKeys: number;
  readonly fsync: boolean;
  /** If given, the nodes write CPU profiles there. */
  readonly profileDirectory: string | undefined;
}

/** Names of scenarios; undefined: those of the default run. The yardstick is always among them. */
export function capacityExperiment(options: GridOptions, only: readonly string[] | undefined): Experiment {
  const plan = planOf(options, only);
  return {
    id: 'capacity',
    title: 'Capacity and cost of single requests',
    run: async (context) => {
      const result = await runGrid(
        { ...plan, seed: context.seed },
        { ...context, profileDirectory: options.profileDirectory },
      );
      const summaries = summarize(plan.scenarios, result);
      const loadModel = loadModelOf(plan);
      return {
        id: 'capacity',
        title: 'Capacity and cost of single requests',
        question: 'How many requests does a cluster of three nodes answer at most, and what does each cost?',
        answer: answerOf(summaries),
        figures: [
          barsOf(storesIn(summaries), {
            id: 'rate',
            title: 'Requests per second',
            label: 'requests/s',
            loadModel,
            samples: ({ operationsPerSecond }) => operationsPerSecond,
          }),
          barsOf(storesIn(summaries), {
            id: 'cpu',
            title: 'CPU time per request, all nodes together',
            label: 'CPU',
            unit: 'µs',
            loadModel,
            samples: ({ serverCpuUs }) => serverCpuUs,
          }),
        ],
        tables: [
          speedTable(summaries),
          outcomeTable(summaries),
          cpuTable(summaries),
          ...countedTables(summaries),
          footprintTable(result),
        ],
        metrics: metricsOf(summaries),
        remarks: [
          ...gridRemarks(result, summaries),
          ...(options.profileDirectory === undefined
            ? []
            : ['Profiling slows the nodes: no figures to quote.']),
        ],
        verdict: gridVerdict(result),
      } satisfies Section;
    },
  };
}

function planOf(options: GridOptions, only: readonly string[] | undefined): GridPlan {
  const { measuring, connections, storedKeys, fsync } = options;
  const chosen = capacityScenarios(storedKeys).filter(({ name, isDefault }) =>
    only === undefined ? isDefault : only.includes(name),
  );
  return {
    lineup: { clusters: [{ name: QUORATE, nodeCount: NODE_COUNT, fsync }], hasYardstick: true },
    loadings: [loadingOf(QUORATE, storedKeys)],
    scenarios: [...yardstickScenarios(storedKeys), ...chosen],
    measuring,
    connections,
    seed: 1,
  };
}

/** The yardstick is ten times as fast as anything behind it, and would make all other bars short. */
function storesIn(summaries: readonly ScenarioSummary[]): readonly ScenarioSummary[] {
  return summaries.filter(({ scenario }) => scenario.target === QUORATE);
}

/** The scenarios that a reader asks for first. */
const HEADLINE = ['put-w2', 'get-r2', 'get-linearizable', 'update-cas'];

function answerOf(summaries: readonly ScenarioSummary[]): string {
  const stores = storesIn(summaries);
  const named = HEADLINE.flatMap((name) => stores.filter(({ scenario }) => scenario.name === name));
  const median = (samples: readonly number[]) => spreadOf(samples)?.median ?? 0;
  const texts = (named.length > 0 ? named : stores.slice(0, 4)).map(
    ({ scenario, operationsPerSecond, shareOfYardstick, serverCpuUs }) =>
      `${whole(median(operationsPerSecond))} ${scenario.title.replace(/, one node$/, '')} ` +
      `(${percent(median(shareOfYardstick))} of bare HTTP, ${whole(median(serverCpuUs))} µs of CPU)`,
  );
  return `Per second: ${texts.join(', ')}.`;
}
