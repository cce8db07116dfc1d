/**
 * All nodes of a configuration as child processes of this one.
 *
 * A node that ends is not started again, unless asked: people kill nodes on purpose, to see what the others do. The others
 * go on, and the command that starts it again is printed. When the last one has ended, so has the cluster.
 */
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { startNodeProcess, type Launch, type NodeProcess, type ProcessEnd } from './node-process.ts';

/** How long nodes may take to drain before they are killed, milliseconds. */
const STOP_TIMEOUT_MS = 15_000;
/** Pause before a node is started again with `--restart`, milliseconds. */
const RESTART_DELAY_MS = 1_000;
/** Pause between two questions whether a node is ready, milliseconds. */
const READY_POLL_MS = 100;
/** After this time nodes that are not ready are named, milliseconds; waiting goes on. */
const READY_PATIENCE_MS = 15_000;

/** What is told about the cluster while it runs. */
export interface ClusterEvents {
  line(nodeId: string, line: string): void;
  /** A node ended that was not asked to. */
  ended(
    nodeId: string,
    end: ProcessEnd,
    facts: { readonly running: number; readonly restarting: boolean },
  ): void;
  /** Nodes take long; `reasons` as far as they answer at all. */
  slow(waiting: readonly { readonly nodeId: string; readonly reasons: readonly string[] }[]): void;
  /** Every node is ready or has ended; at least one is ready. */
  ready(readyIds: readonly string[]): void;
  stopping(): void;
  /** These nodes did not end in time and are killed. */
  killing(nodeIds: readonly string[]): void;
}

/** What to run. */
export interface LocalClusterOptions {
  readonly nodeIds: readonly string[];
  readonly launch: Launch;
  /** Arguments of `serve` for one node. */
  readonly serveArguments: (nodeId: string) => readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly restart: boolean;
  /** Undefined if the node is ready, else why not. Never rejects. */
  readonly unreadiness: (nodeId: string) => Promise<readonly string[] | undefined>;
  readonly events: ClusterEvents;
  readonly stopTimeoutMs?: number;
}

/** The running cluster. */
export interface LocalCluster {
  /** Resolves when every node has ended, with the exit code of the whole. */
  readonly ended: Promise<ExitCode>;
  /** Asks all nodes to drain and end. A second call kills them. */
  stop(): void;
}

/** Starts all nodes. */
export function startLocalCluster(options: LocalClusterOptions): LocalCluster {
  const run = new ClusterRun(options);
  run.start();
  return { ended: run.ended, stop: () => run.stop() };
}

class ClusterRun {
  readonly ended: Promise<ExitCode>;
  readonly #options: LocalClusterOptions;
  readonly #running = new Map<string, NodeProcess>();
  readonly #restarts = new Map<string, NodeJS.Timeout>();
  readonly #ready = new Set<string>();
  readonly #exitCodes = new Map<string, number | null>();
  #resolveEnded: (exitCode: ExitCode) => void = () => {};
  #stopping = false;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  start(): void {
    for (const nodeId of this.#options.nodeIds) this.#startNode(nodeId);
    void this.#awaitReady();
  }

  stop(): void {
    if (this.#stopping) {
      this.#killAll();
      return;
    }
    this.#stopping = true;
    this.#options.events.stopping();
    for (const timer of this.#restarts.values()) clearTimeout(timer);
    this.#restarts.clear();
    for (const node of this.#running.values()) node.kill('SIGTERM');
    this.#killTimer = setTimeout(() => this.#killAll(), this.#options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
    this.#endIfNothingRuns();
  }

  #startNode(nodeId: string): void {
    const { launch, serveArguments, environment, workingDirectory, events } = this.#options;
    this.#running.set(
      nodeId,
      startNodeProcess({
        launch,
        serveArguments: serveArguments(nodeId),
        environment,
        workingDirectory,
        onLine: (line) => events.line(nodeId, line),
        onEnd: (end) => this.#nodeEnded(nodeId, end),
      }),
    );
  }

  #nodeEnded(nodeId: string, end: ProcessEnd): void {
    this.#running.delete(nodeId);
    this.#ready.delete(nodeId);
    this.#exitCodes.set(nodeId, end.exitCode);
    if (!this.#stopping) {
      // A configuration that was refused will be refused again.
      const restarting = this.#options.restart && end.exitCode !== EXIT.configuration;
      if (restarting) this.#restartLater(nodeId);
      this.#options.events.ended(nodeId, end, { running: this.#running.size, restarting });
    }
    this.#endIfNothingRuns();
  }

  #restartLater(nodeId: string): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(nodeId);
      this.#startNode(nodeId);
    }, RESTART_DELAY_MS);
    this.#restarts.set(nodeId, timer);
  }

  #endIfNothingRuns(): void {
    if (this.#running.size > 0 || this.#restarts.size > 0) return;
    clearTimeout(this.#killTimer);
    if (this.#stopping) this.#resolveEnded(EXIT.ok);
    else this.#resolveEnded(this.#allRefusedConfiguration() ? EXIT.configuration : EXIT.failed);
  }

  #allRefusedConfiguration(): boolean {
    return [...this.#exitCodes.values()].every((exitCode) => exitCode === EXIT.configuration);
  }

  #killAll(): void {
    if (this.#running.size === 0) return;
    this.#options.events.killing([...this.#running.keys()]);
    for (const node of this.#running.values()) node.kill('SIGKILL');
  }

  /** Asks until every node is ready or has ended. Nodes that end later have no part in it. */
  async #awaitReady(): Promise<void> {
    const startMs = performance.now();
    let complained = false;
    while (!this.#stopping && this.#running.size + this.#restarts.size > 0) {
      const waiting = await this.#ask();
      if (waiting.length === 0 && this.#restarts.size === 0) break;
      if (!complained && performance.now() - startMs > READY_PATIENCE_MS) {
        complained = true;
        this.#options.events.slow(waiting);
      }
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
    if (!this.#stopping && this.#ready.size > 0) {
      this.#options.events.ready(this.#options.nodeIds.filter((nodeId) => this.#ready.has(nodeId)));
    }
  }

  async #ask(): Promise<readonly { readonly nodeId: string; readonly reasons: readonly string[] }[]> {
    const answers = await Promise.all(
      [...this.#running].map(async ([nodeId, node]) => ({
        nodeId,
        node,
        reasons: await this.#options.unreadiness(nodeId),
      })),
    );
    // An answer counts only for the process that was asked: it may have ended meanwhile.
    const valid = answers.filter(({ nodeId, node }) => this.#running.get(nodeId) === node);
    for (const { nodeId, reasons } of valid) if (reasons === undefined) this.#ready.add(nodeId);
    return valid.flatMap(({ nodeId, reasons }) => (reasons === undefined ? [] : [{ nodeId, reasons }]));
  }
}
