/** From single measurements to one line per scenario: medians over the repeats, per request and as a share of the yardstick. */
import { cpus } from 'node:os';
import { chosenScenarios, type Measurement } from './capacity-run.ts';
import { GENERATOR, type LoadResult } from '../load/closed-loop.ts';
import type { BenchOptions } from '../options.ts';
import { YARDSTICK, type Scenario } from './scenarios.ts';
import { spreadOf, type Spread } from '../report/statistics.ts';

/** One scenario over all repeats. CPU times are missing where the system does not tell. */
export interface ScenarioSummary {
  readonly scenario: Scenario;
  readonly requestsPerSecond: Spread | undefined;
  /** Requests/s as a part of the yardstick's (PUT) in the same repeat. */
  readonly shareOfYardstick: Spread | undefined;
  readonly p50Us: Spread | undefined;
  readonly p99Us: Spread | undefined;
  /** CPU time per request of all serving processes together, microseconds. */
  readonly serverCpuUs: Spread | undefined;
  /** The same of each process, by name: `yardstick` or the nodes, and `generator`. */
  readonly processCpuUs: Readonly<Record<string, Spread | undefined>>;
  /** Part of one processor that the generator used. Near 1 the generator was the bottleneck, not the server. */
  readonly generatorBusy: Spread | undefined;
  /** Part of all processors used by processes that have nothing to do with the bench (and by the kernel's own). */
  readonly othersBusy: Spread | undefined;
}

/** In the order of measuring. */
export function summarize(
  options: BenchOptions,
  measurements: readonly Measurement[],
): readonly ScenarioSummary[] {
  const yardsticks = new Map(
    measurements
      .filter(({ scenario }) => scenario === YARDSTICK)
      .map((one) => [one.repeat, rateOf(one.result)]),
  );
  return chosenScenarios(options).map((scenario) => {
    const own = measurements.filter((measurement) => measurement.scenario === scenario.name);
    const results = own.map(({ result }) => result);
    const spread = (figure: (result: LoadResult) => number | undefined) =>
      spreadOf(defined(results.map(figure)));
    const servers = serverNames(scenario, results);
    return {
      scenario,
      requestsPerSecond: spread(rateOf),
      shareOfYardstick: spreadOf(
        own.map(({ repeat, result }) => rateOf(result) / (yardsticks.get(repeat) ?? Number.NaN)),
      ),
      p50Us: spread((result) => result.latency.p50Us),
      p99Us: spread((result) => result.latency.p99Us),
      serverCpuUs: spread((result) => cpuPerRequest(result, servers)),
      processCpuUs: Object.fromEntries(
        [...servers, GENERATOR].map((name) => [name, spread((result) => cpuPerRequest(result, [name]))]),
      ),
      generatorBusy: spread(generatorBusy),
      othersBusy: spread(othersBusy),
    };
  });
}

function rateOf(result: LoadResult): number {
  return result.requests / result.seconds;
}

function serverNames({ target }: Scenario, results: readonly LoadResult[]): readonly string[] {
  if (target === 'yardstick') return ['yardstick'];
  return Object.keys(results[0]?.cpuMicroseconds ?? {}).filter(
    (name) => name !== 'yardstick' && name !== GENERATOR,
  );
}

function cpuPerRequest(result: LoadResult, names: readonly string[]): number | undefined {
  const times = defined(names.map((name) => result.cpuMicroseconds[name]));
  if (times.length < names.length || names.length === 0) return undefined;
  return times.reduce((sum, time) => sum + time, 0) / result.requests;
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

function defined<T>(values: readonly (T | undefined)[]): readonly T[] {
  return values.filter((value): value is T => value !== undefined);
}
