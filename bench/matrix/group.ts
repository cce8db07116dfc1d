/** A group of scenarios as a section: one thing is varied, all else stays. Groups run when they are named, or all by `--matrix`. */
import type { GridOptions } from '../capacity/capacity.ts';
import { runGrid, type GridPlan } from '../capacity/grid-run.ts';
import type { Loading, Scenario } from '../capacity/scenarios.ts';
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
import type { ClusterSpec } from '../capacity/contestants.ts';
import type { Experiment } from '../experiments/experiment.ts';
import type { Figure, LoadModel, Point, Section, Series } from '../report/document.ts';
import { spreadOf } from '../report/statistics.ts';

/** What distinguishes one group from another. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly clusters: (options: GridOptions) => readonly ClusterSpec[];
  readonly loadings: (options: GridOptions) => readonly Loading[];
  readonly scenarios: (options: GridOptions) => readonly Scenario[];
  readonly figures: (summaries: readonly ScenarioSummary[], loadModel: LoadModel) => readonly Figure[];
  readonly answer: (summaries: readonly ScenarioSummary[]) => string;
  readonly remarks: readonly string[];
}

export function groupExperiment(group: Group, options: GridOptions): Experiment {
  const { id, title, question } = group;
  const plan: GridPlan = {
    lineup: { clusters: group.clusters(options), hasYardstick: false },
    loadings: group.loadings(options),
    scenarios: group.scenarios(options),
    measuring: options.measuring,
    connections: options.connections,
    seed: 1,
  };
  return {
    id,
    title,
    run: async (context) => {
      const result = await runGrid({ ...plan, seed: context.seed }, context);
      const summaries = summarize(plan.scenarios, result);
      return {
        id,
        title,
        question,
        answer: group.answer(summaries),
        figures: group.figures(summaries, loadModelOf(plan)),
        tables: [
          speedTable(summaries),
          outcomeTable(summaries),
          cpuTable(summaries),
          ...countedTables(summaries),
        ],
        metrics: metricsOf(summaries),
        remarks: [...group.remarks, ...gridRemarks(result, summaries)],
        verdict: gridVerdict(result),
      } satisfies Section;
    },
  };
}

/** One series over some places of an axis, of the scenarios with these names; what was not run has no point. */
export function seriesOf(
  summaries: readonly ScenarioSummary[],
  {
    name,
    places,
    samples = ({ operationsPerSecond }) => operationsPerSecond,
  }: {
    readonly name: string;
    readonly places: readonly { readonly x: number; readonly scenario: string }[];
    readonly samples?: (summary: ScenarioSummary) => Samples;
  },
): Series {
  const points: readonly Point[] = places.flatMap(({ x, scenario }) => {
    const summary = summaries.find((one) => one.scenario.name === scenario);
    return summary === undefined ? [] : [pointOf(x, samples(summary))];
  });
  return { name, origin: 'measured', points };
}

/** Median operations/s of a scenario; 0 if it was not run. */
export function rateOf(summaries: readonly ScenarioSummary[], scenario: string): number {
  const summary = summaries.find((one) => one.scenario.name === scenario);
  return spreadOf(summary?.operationsPerSecond ?? [])?.median ?? 0;
}
