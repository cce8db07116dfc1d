/** Measures the same requests to one node with few and with many connections to it, by turns. */
import type { GridOptions } from '../capacity/capacity.ts';
import { startContestants } from '../capacity/contestants.ts';
import { measureGrid, type GridContext, type GridTask, type GridResult } from '../capacity/grid-run.ts';
import {
  loadingOf,
  QUORATE,
  REQUESTS,
  REQUEST_TITLES,
  type RequestName,
  type Scenario,
} from '../capacity/scenarios.ts';
import { examineDisk } from '../system/disk.ts';
import { residentBytes } from '../system/process-cost.ts';
import { withTemporaryDirectory } from '../system/temporary-cluster.ts';
import type { BystandersSeen } from './bystanders-program.ts';
import { startBystanders, type Bystanders } from './bystanders.ts';
import { crowdsOf, SLOW_VALUE_BYTES, slowReaders, type Crowd } from './crowds.ts';

const NODE_COUNT = 3;
const MEMORY_POLL_MS = 50;

export const KINDS = ['put-w2', 'get-r2'] as const satisfies readonly RequestName[];

/** What was seen beside one scenario in one repeat (0: warm-up). */
export interface Beside {
  readonly scenario: string;
  readonly repeat: number;
  /** Largest resident memory of each node, bytes, by its name; a name is missing where the system does not tell. */
  readonly peakBytes: Readonly<Record<string, number>>;
  /** Undefined where nobody stood by. */
  readonly seen: BystandersSeen | undefined;
}

/** All that was measured. */
export interface ManyConnectionsResult {
  readonly crowds: readonly [Crowd, Crowd, Crowd];
  readonly scenarios: readonly Scenario[];
  readonly plan: GridTask;
  readonly grid: GridResult;
  readonly beside: readonly Beside[];
}

/** Starts a cluster, measures, and leaves nothing behind. `total`: connections of a great many. */
export function measureManyConnections(
  options: GridOptions,
  total: number,
  context: GridContext & { readonly seed: number },
): Promise<ManyConnectionsResult> {
  const crowds = crowdsOf(options.connections, total);
  const scenarios = scenariosOf(crowds, options.storedKeys);
  return withTemporaryDirectory(context.outputDirectory, async (directory, stops) => {
    const disk = await examineDisk(directory);
    const clusters = [{ name: QUORATE, nodeCount: NODE_COUNT, fsync: options.fsync }];
    const contestants = await startContestants(
      { clusters, hasYardstick: false },
      { ...context, directory, profileDirectory: undefined },
      stops,
    );
    const bystanders = startBystanders();
    stops.push(() => bystanders.stop());
    const [contestant] = contestants;
    const company = new Company({
      bystanders,
      crowds,
      url: contestant?.urls[0] ?? '',
      nodes: contestant?.processes ?? {},
    });
    const plan: GridTask = {
      loadings: loadingsOf(options),
      scenarios,
      measuring: options.measuring,
      connections: options.connections,
      seed: context.seed,
      beside: (scenario, repeat) => company.begin(scenario, repeat),
      watch: { bystanders: bystanders.pid },
    };
    const grid = { disk, ...(await measureGrid(plan, context, contestants)) };
    return { crowds, scenarios, plan, grid, beside: company.beside };
  });
}

export function scenarioName(kind: string, crowd: Pick<Crowd, 'name'>): string {
  return `${kind}-${crowd.name}`;
}

function scenariosOf(crowds: readonly Crowd[], storedKeys: number): readonly Scenario[] {
  return KINDS.flatMap((kind) =>
    crowds.map(
      (crowd): Scenario => ({
        name: scenarioName(kind, crowd),
        title: `${REQUEST_TITLES[kind]}, ${crowd.title}`,
        target: QUORATE,
        through: 'one node',
        storedKeys,
        connections: crowd.busy,
        workload: REQUESTS[kind],
      }),
    ),
  );
}

/** Slow readers need one value of each size; the generator makes one request with each connection at least. */
function loadingsOf({ storedKeys, connections }: GridOptions): GridTask['loadings'] {
  const [common, ...others] = SLOW_VALUE_BYTES;
  return [
    loadingOf(QUORATE, storedKeys, { valueBytes: common }),
    ...others.map((valueBytes) => loadingOf(QUORATE, connections, { valueBytes })),
  ];
}

interface CompanyOptions {
  readonly bystanders: Bystanders;
  readonly crowds: readonly Crowd[];
  /** Of the node that is asked. */
  readonly url: string;
  /** Process ids of all nodes, by name. */
  readonly nodes: Readonly<Record<string, number>>;
}

/** Those who stand by while a scenario runs, and what the nodes take of memory meanwhile. */
class Company {
  readonly beside: Beside[] = [];
  readonly #options: CompanyOptions;

  constructor(options: CompanyOptions) {
    this.#options = options;
  }

  async begin(scenario: Scenario, repeat: number): Promise<() => Promise<void>> {
    const { bystanders, crowds, url, nodes } = this.#options;
    const crowd = crowds.find((one) => scenario.name.endsWith(`-${one.name}`));
    const isCompany = crowd !== undefined && crowd.idle + crowd.slow > 0;
    const peakBytes: Record<string, number> = {};
    const look = (): void => {
      for (const [name, pid] of Object.entries(nodes)) {
        const bytes = residentBytes(pid);
        if (bytes !== undefined) peakBytes[name] = Math.max(bytes, peakBytes[name] ?? 0);
      }
    };
    if (isCompany) await bystanders.begin({ url, idle: crowd.idle, slow: slowReaders(crowd.slow) });
    const timer = setInterval(look, MEMORY_POLL_MS);
    return async () => {
      clearInterval(timer);
      look();
      const seen = isCompany ? await bystanders.end() : undefined;
      this.beside.push({ scenario: scenario.name, repeat, peakBytes, seen });
    };
  }
}
