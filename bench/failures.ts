/**
 * `npm run bench:failures`: what users of five nodes (N=3) notice when one or two of them are gone, how long it takes until
 * all replicas are equal again after an outage, and what the background work costs when nobody asks for anything.
 *
 * Writes go to the nodes that live, as they would behind a load balancer that knows them; each is a fresh key.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { InspectBody } from '../src/api/bodies.ts';
import { HEADERS } from '../src/api/headers.ts';
import type { BenchCluster, ClusterNode } from './system/cluster.ts';
import { type PacedGenerator, type PacedResult, startPacedGenerator } from './load/open-loop.ts';
import { cpuMicroseconds } from './system/process-cost.ts';
import { formatTable } from './report/text-table.ts';
import { withCluster } from './system/temporary-cluster.ts';
import type { Workload } from './load/workload.ts';

const NODE_COUNT = 5;
const COPIES = 3;
const WRITES_PER_SECOND = 300;
/** So few that a slow machine bears them: it is the share that counts, not the rate. */
const CONDITIONAL_WRITES_PER_SECOND = 100;
/** After nodes were started again: each hears of the others before it votes, and takes back what it missed. */
const SETTLE_MS = 5_000;
const WARM_UP_MS = 1_000;
const PHASE_MS = 10_000;
const OUTAGE_MS = 60_000;
const OUTAGE_WRITES_PER_SECOND = 500;
/** Keys that are compared on all their replicas after the outage. */
const COMPARED_KEYS = 500;
const EQUAL_LIMIT_MS = 300_000;
const IDLE_MS = 30_000;

interface Arm {
  readonly title: string;
  readonly requestsPerSecond: number;
  readonly headers: Readonly<Record<string, string>>;
}

const ARMS: readonly Arm[] = [
  {
    title: 'W=1, sloppy',
    requestsPerSecond: WRITES_PER_SECOND,
    headers: { [HEADERS.w]: '1', [HEADERS.sloppy]: '?1' },
  },
  {
    title: 'W=2, strict',
    requestsPerSecond: WRITES_PER_SECOND,
    headers: { [HEADERS.w]: '2', [HEADERS.sloppy]: '?0' },
  },
  {
    title: 'W=2, sloppy',
    requestsPerSecond: WRITES_PER_SECOND,
    headers: { [HEADERS.w]: '2', [HEADERS.sloppy]: '?1' },
  },
  {
    title: 'If-None-Match: *',
    requestsPerSecond: CONDITIONAL_WRITES_PER_SECOND,
    headers: { 'If-None-Match': '*' },
  },
];

function main(): Promise<void> {
  return withCluster({ nodeCount: NODE_COUNT, copies: COPIES }, async (cluster, stops) => {
    const generator = startPacedGenerator();
    stops.push(() => generator.stop());
    const bench = new FailureBench(cluster, generator);
    say(await bench.availability());
    say(await bench.outage());
    say(await bench.idle());
  });
}

class FailureBench {
  readonly #cluster: BenchCluster;
  readonly #generator: PacedGenerator;
  #runs = 0;

  constructor(cluster: BenchCluster, generator: PacedGenerator) {
    this.#cluster = cluster;
    this.#generator = generator;
  }

  /** Share of writes answered well, while one node and then another is killed during the phase. */
  async availability(): Promise<string> {
    const [first, second] = this.#cluster.nodes as readonly [ClusterNode, ClusterNode];
    const rows: string[][] = [];
    for (const arm of ARMS) {
      const all = await this.#write(arm, this.#cluster.nodes);
      const one = await this.#writeWhile(arm, first, [first]);
      const two = await this.#writeWhile(arm, second, [first, second]);
      await Promise.all([first.restart(), second.restart()]);
      await delay(SETTLE_MS);
      rows.push([arm.title, ...[all, one, two].map(wellAnswered)]);
    }
    const head = ['writes answered well', 'all five up', 'one is killed', 'a second one is killed'];
    return formatTable(head, rows);
  }

  /** Time until all replicas are equal after one node was away. */
  async outage(): Promise<string> {
    const away = this.#cluster.nodes.at(-1) as ClusterNode;
    await away.kill();
    const prefix = this.#nextPrefix();
    const { offered, statuses } = await this.#generator.run({
      ...this.#job(
        { headers: { [HEADERS.w]: '2' }, requestsPerSecond: OUTAGE_WRITES_PER_SECOND },
        without([away], this.#cluster.nodes),
        prefix,
      ),
      measureMs: OUTAGE_MS,
    });
    await away.restart();
    const startMs = performance.now();
    const every = Math.max(1, Math.floor(offered / COMPARED_KEYS));
    let waiting = Array.from({ length: COMPARED_KEYS }, (_, index) => `${prefix}-${index * every}`);
    while (waiting.length > 0 && performance.now() - startMs < EQUAL_LIMIT_MS) {
      waiting = await this.#differing(waiting);
      if (waiting.length > 0) await delay(200);
    }
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const good = statuses[201] ?? 0;
    const what = `${OUTAGE_MS / 1000} s without one node, ${good} of ${offered} writes acknowledged`;
    return waiting.length === 0
      ? `${what}: all replicas of ${COMPARED_KEYS} keys equal ${seconds} s after it was back.`
      : `${what}: ${waiting.length} of ${COMPARED_KEYS} keys still differ after ${seconds} s.`;
  }

  /** CPU time of nodes that nobody asks for anything. */
  async idle(): Promise<string> {
    await delay(5_000);
    const before = this.#cluster.nodes.map(({ pid }) => cpuMicroseconds(pid) ?? 0);
    await delay(IDLE_MS);
    const shares = this.#cluster.nodes.map(
      ({ id, pid }, index) =>
        `${id} ${((((cpuMicroseconds(pid) ?? 0) - (before[index] ?? 0)) / (IDLE_MS * 1000)) * 100).toFixed(2)} %`,
    );
    return `Idle, of one processor: ${shares.join(', ')}.`;
  }

  async #writeWhile(arm: Arm, victim: ClusterNode, gone: readonly ClusterNode[]): Promise<PacedResult> {
    const writing = this.#write(arm, without(gone, this.#cluster.nodes));
    await delay(WARM_UP_MS + PHASE_MS / 4);
    await victim.kill();
    return writing;
  }

  #write(arm: Arm, nodes: readonly ClusterNode[]): Promise<PacedResult> {
    return this.#generator.run(this.#job(arm, nodes, this.#nextPrefix()));
  }

  #job(
    { headers, requestsPerSecond }: Omit<Arm, 'title'>,
    nodes: readonly ClusterNode[],
    freshPrefix: string,
  ) {
    const workload: Workload = {
      method: 'PUT',
      keys: 'fresh',
      headers: { ...headers, [HEADERS.timeoutMs]: '2000' },
      expectedStatus: 201,
    };
    return {
      urls: nodes.map(({ url }) => url),
      requestsPerSecond,
      warmUpMs: WARM_UP_MS,
      measureMs: PHASE_MS,
      maxConnections: 1_000,
      workload,
      keys: { freshPrefix, storedKeys: 0 },
      watch: {},
    };
  }

  #nextPrefix(): string {
    this.#runs += 1;
    return `run-${this.#runs}`;
  }

  async #differing(keys: readonly string[]): Promise<string[]> {
    const differing: string[] = [];
    const [node] = this.#cluster.nodes as readonly [ClusterNode];
    for (const key of keys) {
      const answer = await fetch(`${node.url}/v1/inspect/bench/${key}`);
      const { agree } = (await answer.json()) as InspectBody;
      if (!agree) differing.push(key);
    }
    return differing;
  }
}

function without(gone: readonly ClusterNode[], nodes: readonly ClusterNode[]): readonly ClusterNode[] {
  return nodes.filter((node) => !gone.includes(node));
}

/** With the slowest good answer, and failures by status, if any. */
function wellAnswered({ offered, statuses, errors, unsent, maxUs }: PacedResult): string {
  const good = ((statuses[201] ?? 0) / offered) * 100;
  const others = Object.entries(statuses).filter(([status]) => status !== '201');
  const lost = errors + unsent > 0 ? [['lost', errors + unsent] as const] : [];
  const failures = [...others, ...lost].map(([what, count]) => `${what}: ${count}`);
  return `${good.toFixed(2)} %, in ${Math.round(maxUs / 1000)} ms at most${failures.length > 0 ? ` (${failures.join(', ')})` : ''}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

await main();
