/**
 * A real cluster for the bench: one process per node, as `quorate serve` starts it, on free ports, with data of its own.
 *
 * Nodes are in process groups of their own and end with the bench even if that is killed (see cli/cluster/node-process.ts).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PATHS } from '../../src/api/paths.ts';
import { startNodeProcess, type NodeProcess } from '../../src/cli/cluster/node-process.ts';
import { freePorts } from '../../test/cluster/free-ports.ts';
import { CAS_BUCKET } from '../load/workload.ts';
import { type ClusterLinks, startLinks } from './links.ts';

const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 50;
/** How long nodes may drain; with a profile to write they take a while. */
const STOP_TIMEOUT_MS = 20_000;
/** Lines of output that are kept of each node, for the case that it ends. */
const KEPT_LINES = 20;

/** What to start. */
export interface ClusterPlan {
  readonly nodeCount: number;
  /** N, if not that of the nodes. */
  readonly copies?: number;
  /** Existing and empty; holds configuration and data. */
  readonly directory: string;
  /** The built command line (main.js). */
  readonly program: string;
  readonly fsync: boolean;
  /** If given, each node writes a CPU profile there when it stops. */
  readonly profileDirectory: string | undefined;
  /** Whether the network between the nodes can be broken and slowed down. */
  readonly links?: boolean;
  /** Gives up waiting for readiness. */
  readonly signal: AbortSignal;
}

/** One running node. */
export interface ClusterNode {
  readonly id: string;
  readonly url: string;
  readonly pid: number;
  readonly dataDirectory: string;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on its data; resolves when it is ready. */
  restart(): Promise<void>;
  /** Starts it again on its data, and waits for nothing. */
  launch(): void;
  /** Throws, with its last output, if it has ended. */
  assertRunning(): void;
}

/** The running cluster. */
export interface BenchCluster {
  readonly nodes: readonly ClusterNode[];
  /** Set if they were planned. */
  readonly links: ClusterLinks | undefined;
  /** Throws, with its last output, if a node has ended. */
  assertRunning(): void;
  /** Drains all nodes; kills those that take too long. */
  stop(): Promise<void>;
}

interface Ports {
  readonly id: string;
  readonly httpPort: number;
  readonly peerPort: number;
}

/** Starts all nodes; resolves when each is ready and reaches a majority for each of its partitions. */
export async function startCluster(plan: ClusterPlan): Promise<BenchCluster> {
  const { ports, links } = await layOut(plan);
  if (plan.profileDirectory !== undefined) await mkdir(plan.profileDirectory, { recursive: true });
  const processes = ports.map((node) => new RunningNode(plan, node));
  const cluster: BenchCluster = {
    nodes: processes,
    links,
    assertRunning: () => processes.forEach((node) => node.assertRunning()),
    stop: async () => {
      await Promise.all(processes.map((node) => node.stop()));
      await links?.close();
    },
  };
  try {
    await awaitReady(cluster.nodes, () => cluster.assertRunning(), plan.signal);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

class RunningNode implements ClusterNode {
  readonly id: string;
  readonly url: string;
  readonly dataDirectory: string;
  readonly #plan: ClusterPlan;
  readonly #lines: string[] = [];
  #process: NodeProcess;
  #ended: Promise<void> = Promise.resolve();
  #end: string | undefined;

  constructor(plan: ClusterPlan, { id, httpPort }: Ports) {
    this.#plan = plan;
    this.id = id;
    this.url = `http://127.0.0.1:${httpPort}`;
    this.dataDirectory = join(plan.directory, 'data', id);
    this.#process = this.#start();
  }

  #start(): NodeProcess {
    const plan = this.#plan;
    let markEnded: () => void = () => {};
    this.#ended = new Promise((resolve) => {
      markEnded = resolve;
    });
    this.#end = undefined;
    return startNodeProcess({
      launch: { program: process.execPath, arguments: [...profileArguments(plan, this.id), plan.program] },
      serveArguments: [
        '--node',
        this.id,
        '--config',
        configurationFile(plan, this.id),
        '--data',
        dirname(this.dataDirectory),
      ],
      environment: withoutOverrides(process.env),
      workingDirectory: plan.directory,
      onLine: (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      },
      onEnd: ({ exitCode, signal }) => {
        this.#end = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
        markEnded();
      },
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  assertRunning(): void {
    if (this.#end === undefined) return;
    throw new Error(`node ${this.id} ended (${this.#end}):\n${this.#lines.join('\n')}`);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  launch(): void {
    this.#process = this.#start();
  }

  async restart(): Promise<void> {
    this.launch();
    await awaitReady([this], () => this.assertRunning(), this.#plan.signal);
  }

  async stop(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

function profileArguments(plan: ClusterPlan, id: string): readonly string[] {
  if (plan.profileDirectory === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${plan.profileDirectory}`, `--cpu-prof-name=${id}.cpuprofile`];
}

/** Chooses ports, starts links and writes what each node is to read. */
async function layOut(
  plan: ClusterPlan,
): Promise<{ readonly ports: readonly Ports[]; readonly links: ClusterLinks | undefined }> {
  const { nodeCount } = plan;
  const free = [...(await freePorts(nodeCount * (plan.links === true ? nodeCount + 1 : 2)))];
  const ports = Array.from({ length: nodeCount }, (_, index) => ({
    id: `n${index + 1}`,
    httpPort: free.pop() ?? 0,
    peerPort: free.pop() ?? 0,
  }));
  const links = plan.links === true ? await startLinks(ports, free) : undefined;
  for (const { id } of ports) {
    // A node finds the others behind its links. Ports are no part of what the nodes must agree on.
    const seen = ports.map((node) =>
      links === undefined || node.id === id ? node : { ...node, peerPort: links.portOf(id, node.id) },
    );
    await writeFile(configurationFile(plan, id), JSON.stringify(configurationOf(plan, seen), null, 2));
  }
  return { ports, links };
}

/** What a node of a cluster reads. */
export function configurationFile({ directory }: Pick<ClusterPlan, 'directory'>, id: string): string {
  return join(directory, `${id}.config.json`);
}

function configurationOf(plan: ClusterPlan, ports: readonly Ports[]): object {
  return {
    cluster: 'bench',
    nodes: ports.map((node) => ({ ...node, host: '127.0.0.1' })),
    defaults: { n: plan.copies ?? plan.nodeCount },
    buckets: { [CAS_BUCKET]: { mode: 'cas' } },
    storage: { fsync: plan.fsync },
    log: { level: 'warn' },
  };
}

/** Settings of the shell would change what is measured. */
function withoutOverrides(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('QUORATE_') && name !== 'NODE_OPTIONS'),
  );
}

async function awaitReady(
  nodes: readonly ClusterNode[],
  assertRunning: () => void,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  let waiting = nodes;
  while (waiting.length > 0) {
    signal.throwIfAborted();
    assertRunning();
    if (performance.now() > deadlineMs) {
      throw new Error(`not ready within ${READY_TIMEOUT_MS} ms: ${waiting.map(({ id }) => id).join(', ')}`);
    }
    await delay(READY_POLL_MS);
    const ready = await Promise.all(waiting.map((node) => isReady(node)));
    waiting = waiting.filter((_, index) => ready[index] !== true);
  }
}

/** Whether a node serves, and reaches majorities unless that does not matter. */
export async function isReady({ url }: Pick<ClusterNode, 'url'>, withMajorities = true): Promise<boolean> {
  try {
    const query = withMajorities ? '?quorum=1' : '';
    const answer = await fetch(`${url}${PATHS.readyz}${query}`, { signal: AbortSignal.timeout(1_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
