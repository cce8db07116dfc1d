/** From single measurements to what is told of a scenario: values of each repeat, per operation and as a share of the yardstick. */
import { cpus } from 'node:os';
import { GENERATOR, type LoadResult } from '../load/closed-loop.ts';
import type { RecordedLatencies } from '../load/latency-recorder.ts';
import { COUNTED, type CountedWork } from '../system/node-metrics.ts';
import { YARDSTICK } from './contestants.ts';
import type { GridResult, Measurement } from './grid-run.ts';
import { YARDSTICK_PUT, type Scenario } from './scenarios.ts';

/** One value for each repeat; shorter where the system does not tell. */
export type Samples = readonly number[];

/** One scenario over all repeats. */
export interface ScenarioSummary {
  readonly scenario: Scenario;
  readonly operationsPerSecond: Samples;
  /** Operations/s as a part of the yardstick's (PUT) in the same repeat; empty without a yardstick. */
  readonly shareOfYardstick: Samples;
  readonly p50Us: Samples;
  readonly p99Us: Samples;
  /** Of all repeats together. */
  readonly pooled: RecordedLatencies | undefined;
  /** CPU time per operation of all serving processes together, microseconds. */
  readonly serverCpuUs: Samples;
  /** The same of each process, by name. */
  readonly processCpuUs: Readonly<Record<string, Samples>>;
  readonly generatorCpuUs: Samples;
  /** Part of one processor that the generator used. Near 1 the generator was the bottleneck, not the server. */
  readonly generatorBusy: Samples;
  /** How late the generator's event loop was (99th percentile), milliseconds. */
  readonly generatorLagMs: Samples;
  /** Part of all processors used by processes that have nothing to do with the bench (and by the kernel's own). */
  readonly othersBusy: Samples;
  /** What the nodes counted for one operation, over all repeats; what they do not count is missing. */
  readonly counted: Readonly<Partial<Record<CountedWork, number>>>;
}

/** In the order of the scenarios. */
export function summarize(
  scenarios: readonly Scenario[],
  { measurements, contestants }: GridResult,
): readonly ScenarioSummary[] {
  const yardsticks = new Map(
    measurements
      .filter(({ scenario }) => scenario === YARDSTICK_PUT)
      .map((one) => [one.repeat, rateOf(one.result)]),
  );
  return scenarios.map((scenario) => {
    const own = measurements.filter((measurement) => measurement.scenario === scenario.name);
    const samples = (figure: (result: LoadResult) => number | undefined): Samples =>
      defined(own.map(({ result }) => figure(result)));
    const servers = Object.keys(contestants.find(({ name }) => name === scenario.target)?.processes ?? {});
    const cpuOf = (names: readonly string[]) => samples((result) => cpuPerOperation(result, names));
    return {
      scenario,
      operationsPerSecond: samples(rateOf),
      shareOfYardstick: defined(
        own.map(({ repeat, result }) => ratio(rateOf(result), yardsticks.get(repeat))),
      ),
      p50Us: samples(({ latency }) => latency.p50Us),
      p99Us: samples(({ latency }) => latency.p99Us),
      pooled: own.at(-1)?.result.pooled,
      serverCpuUs: cpuOf(servers),
      processCpuUs: Object.fromEntries(servers.map((name) => [name, cpuOf([name])])),
      generatorCpuUs: cpuOf([GENERATOR]),
      generatorBusy: samples(generatorBusy),
      generatorLagMs: samples(({ lag }) => lag.p99Ms),
      othersBusy: samples(othersBusy),
      counted: scenario.target === YARDSTICK ? {} : countedPerOperation(own),
    };
  });
}

function rateOf(result: LoadResult): number {
  return result.operations / result.seconds;
}

function ratio(value: number, unit: number | undefined): number | undefined {
  return unit === undefined || unit === 0 ? undefined : value / unit;
}

function cpuPerOperation(result: LoadResult, names: readonly string[]): number | undefined {
  const times = defined(names.map((name) => result.cpuMicroseconds[name]));
  if (times.length < names.length || names.length === 0 || result.operations === 0) return undefined;
  return times.reduce((sum, time) => sum + time, 0) / result.operations;
}

function generatorBusy(result: LoadResult): number | undefined {
  const time = result.cpuMicroseconds[GENERATOR];
  return time === undefined ? undefined : time / (result.seconds * 1e6);
}

function othersBusy(result: LoadResult): number | undefined {
  const times = Object.values(result.cpuMicroseconds);
  if (times.length === 0) return undefined;
  const own = times.reduce((sum, time) => sum + time, 0);
  // Both sides are counted in ticks, so on an idle machine the difference may fall below 0.
  return Math.max(0, result.machineBusyMicroseconds - own) / (result.seconds * 1e6 * cpus().length);
}

/** The nodes count the warm-up, too, of which only the requests are known; operations have the same part of them as later. */
function countedPerOperation(own: readonly Measurement[]): ScenarioSummary['counted'] {
  const sum = (figure: (one: Measurement) => number) => own.reduce((total, one) => total + figure(one), 0);
  const requests = sum(({ result }) => result.requests);
  const operations = sum(
    ({ result }) => (result.answered * result.operations) / Math.max(1, result.requests),
  );
  if (requests === 0) return {};
  const names = (Object.keys(COUNTED) as readonly CountedWork[]).filter((name) =>
    own.every(({ counted }) => counted[name] !== undefined),
  );
  return Object.fromEntries(
    names.map((name) => [name, sum(({ counted }) => counted[name] ?? 0) / operations]),
  );
}

function defined<T>(values: readonly (T | undefined)[]): readonly T[] {
  return values.filter((value): value is T => value !== undefined);
}
