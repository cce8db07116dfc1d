/** The report for people: three tables, and what to think of them. */
import { NODE_COUNT, type BenchResult } from './capacity-run.ts';
import type { Environment } from '../system/environment.ts';
import { GENERATOR } from '../load/closed-loop.ts';
import type { BenchOptions } from '../options.ts';
import type { Spread } from '../report/statistics.ts';
import type { ScenarioSummary } from './summary.ts';
import { formatTable } from '../report/text-table.ts';

/** A generator that uses more of one processor than this was the bottleneck itself. */
const GENERATOR_LIMIT = 0.9;
/** Figures taken while others used more of the machine than this should be measured again. */
const OTHERS_LIMIT = 0.05;
/** Memory that an idle node should stay below, bytes. */
const IDLE_LIMIT_BYTES = 120e6;

/** All that a report tells. */
export interface Report {
  readonly environment: Environment;
  readonly options: BenchOptions;
  readonly result: BenchResult;
  readonly summaries: readonly ScenarioSummary[];
}

/** As text for a terminal. */
export function formatReport(report: Report): string {
  const { result, summaries } = report;
  return [
    heading(report),
    speedTable(summaries),
    'CPU microseconds per request (all threads, user and kernel)',
    costTable(summaries),
    footprintTable(result),
    ...remarks(report),
  ].join('\n\n');
}

function heading({ environment, options, result }: Report): string {
  const sync = `a sync takes ${decimal(result.disk.syncMicroseconds / 1000, 2)} ms`;
  return [
    `${environment.command}  (${environment.date}, commit ${environment.commit ?? 'unknown'})`,
    `${environment.cpuModel}, ${environment.cpuCount} processors, Node.js ${environment.nodeVersion}, ${environment.system}`,
    `${NODE_COUNT} nodes, N=${NODE_COUNT}, values of 1 KB, ${options.connections} connections, closed loop, ` +
      `fsync ${options.fsync ? 'on' : 'off'} (${sync}), ${options.repeats} x ${options.measureMs / 1000} s`,
    'Figures are medians of the repeats (lowest-highest).',
  ].join('\n');
}

function speedTable(summaries: readonly ScenarioSummary[]): string {
  return formatTable(
    ['', 'requests/s', 'of yardstick', 'p50 ms', 'p99 ms'],
    summaries.map((summary) => [
      summary.scenario.title,
      withRange(summary.requestsPerSecond, (value) => Math.round(value).toLocaleString('en')),
      withRange(summary.shareOfYardstick, (value) => decimal(value, 3)),
      withRange(summary.p50Us, milliseconds),
      withRange(summary.p99Us, milliseconds),
    ]),
  );
}

function costTable(summaries: readonly ScenarioSummary[]): string {
  return formatTable(
    ['', 'servers', 'of these', 'generator', 'generator busy', 'others busy'],
    summaries.map(({ scenario, serverCpuUs, processCpuUs, generatorBusy, othersBusy }) => [
      scenario.title,
      withRange(serverCpuUs, (value) => decimal(value, 1)),
      Object.entries(processCpuUs)
        .filter(([name]) => name !== GENERATOR)
        .map(([name, spread]) => `${name} ${median(spread, (value) => decimal(value, 1))}`)
        .join('  '),
      median(processCpuUs[GENERATOR], (value) => decimal(value, 1)),
      median(generatorBusy, percent),
      median(othersBusy, percent),
    ]),
  );
}

function footprintTable({ footprints, valueBytesStored }: BenchResult): string {
  return formatTable(
    ['', 'memory idle', 'after load', 'on disk', 'values held'],
    footprints.map(({ node, idleBytes, loadedBytes, diskBytes }) => [
      node,
      megabytes(idleBytes),
      megabytes(loadedBytes),
      megabytes(diskBytes),
      megabytes(valueBytesStored),
    ]),
  );
}

function remarks({ options, result, summaries }: Report): readonly string[] {
  const limited = summaries.filter(({ generatorBusy }) => (generatorBusy?.median ?? 0) > GENERATOR_LIMIT);
  const disturbed = summaries.filter(({ othersBusy }) => (othersBusy?.median ?? 0) > OTHERS_LIMIT);
  const large = result.footprints.filter(({ idleBytes }) => (idleBytes ?? 0) > IDLE_LIMIT_BYTES);
  const titles = (some: readonly ScenarioSummary[]) => some.map(({ scenario }) => scenario.title).join('; ');
  return [
    ...(limited.length > 0 ? [`The load generator was the bottleneck of: ${titles(limited)}.`] : []),
    ...(disturbed.length > 0
      ? [`Others used the machine, too, so measure again: ${titles(disturbed)}.`]
      : []),
    ...(large.length > 0 ? [`More than 120 MB when idle: ${large.map(({ node }) => node).join(', ')}.`] : []),
    ...(result.disk.inMemory && options.fsync ? ['The data lies in memory: a sync is free here.'] : []),
    ...(options.profile ? ['Profiling slows the nodes: no figures to quote.'] : []),
    ...(result.problems.length > 0
      ? [`INVALID RUN\n${result.problems.map((one) => `  ${one}`).join('\n')}`]
      : []),
  ];
}

function withRange(spread: Spread | undefined, format: (value: number) => string): string {
  if (spread === undefined) return '-';
  if (spread.min === spread.max) return format(spread.median);
  return `${format(spread.median)} (${format(spread.min)}-${format(spread.max)})`;
}

function median(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? '-' : format(spread.median);
}

function milliseconds(microseconds: number): string {
  return decimal(microseconds / 1000, 2);
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${decimal(bytes / 1e6, 1)} MB`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function decimal(value: number, digits: number): string {
  return value.toFixed(digits);
}
