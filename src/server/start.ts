/**
 * The composition root: puts one node together from storage, network, protocol and HTTP server. It alone picks adapters.
 *
 * What is opened is closed again if a later step fails. The data directory comes first, because its lock tells that the
 * same node runs already; the HTTP port comes last, because whoever reaches it may expect to be served.
 */
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { openLevelStorage } from '../adapters/level-storage.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { systemRandom } from '../adapters/system-random.ts';
import { createTcpNetwork } from '../adapters/tcp-network.ts';
import { configurationEpoch } from '../codec/hash.ts';
import type { ClusterConfig, MemberConfig } from '../core/cluster-config.ts';
import type { Storage } from '../ports/storage.ts';
import { startStorageNode, type StorageNode } from '../protocol/storage-node.ts';
import { refuseOccupiedDirectory } from './data-directory.ts';
import { DRAIN_TIMES, drainServer, type DrainTimes } from './drain.ts';
import type { FreeSpace } from './free-space.ts';
import { hostAndPort } from './host-and-port.ts';
import { Admission } from './http/admission.ts';
import { RequestIds } from './http/exchange.ts';
import { createHttpServer } from './http/http-server.ts';
import { OpenAnswers } from './http/open-answers.ts';
import { closeHttpServer, listenForHttp } from './listen.ts';
import type { NodeSettings } from './node-settings.ts';
import { Activity } from './observability/activity.ts';
import { createLogger, type LogDestination } from './observability/logger.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { OverloadLog } from './observability/overload-log.ts';
import { createServerTracer } from './observability/server-tracer.ts';
import { startFailureOf } from './start-failure.ts';
import { createFreeSpaceWatch } from './watch-free-space.ts';

/** Tells apart the request ids of two processes in one log. */
const REQUEST_ID_PREFIX_BYTES = 4;

/** What a node stands on; a test may put something else in a place. */
export interface ServerParts {
  readonly openStorage: typeof openLevelStorage;
  readonly startNode: typeof startStorageNode;
}

/** Which node to run, and who hears of its end. */
export interface ServerOptions {
  /** Id of one of the configuration's nodes. */
  readonly nodeId: string;
  readonly config: ClusterConfig;
  readonly settings: NodeSettings;
  /**
   * Called once when the storage failed: the process must end at once, without a drain. What it could still answer would
   * rest on a disk that has lost a write.
   */
  readonly onFatal: (reason: Error) => void;
  /** Whether the node votes on conditional writes whatever its store has lost: what was acknowledged may be undone. */
  readonly votesAfterLoss?: boolean;
  /** Nodes that it does not wait for before it votes: if its data directory is older than it was, that may not be found out. */
  readonly votesWithout?: readonly string[];
  /** Standard output if not given. */
  readonly logDestination?: LogDestination;
  readonly parts?: Partial<ServerParts>;
  readonly drainTimes?: DrainTimes;
}

/** A node that serves. */
export interface RunningServer {
  /** Base URL of its HTTP API, as others reach it. */
  readonly url: string;
  /** Drains, then closes everything. Resolves when all is closed; rejects if something could not be. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a node. Rejects with a StartFailure for what an operator can solve; then nothing is left open. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const start = new ServerStart(options);
  try {
    return await start.run();
  } catch (error) {
    await start.undo();
    throw startFailureOf(error, start.directory);
  }
}

class ServerStart {
  readonly directory: string;
  readonly #options: ServerOptions;
  readonly #parts: ServerParts;
  readonly #member: MemberConfig;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #activity = new Activity();
  /** How to close what was opened so far. */
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(options: ServerOptions) {
    this.directory = join(options.settings.dataDir, options.nodeId);
    this.#options = options;
    this.#parts = { openStorage: openLevelStorage, startNode: startStorageNode, ...options.parts };
    this.#member = memberOf(options);
    this.#log = createLogger(options.settings.log.level, options.nodeId, options.logDestination);
    this.#metrics = createMetrics(options.nodeId);
  }

  async run(): Promise<RunningServer> {
    const { config } = this.#options;
    const storage = await this.#openStorage();
    const freeSpace = await this.#watchFreeSpace(storage);
    const node = await this.#startNode(storage, freeSpace);
    const admission = new Admission(config.limits.maxOperationsInFlight);
    this.#metrics.watchInFlight(() => admission.inFlight);
    const http = this.#createHttp(node, freeSpace, admission);
    const answers = new OpenAnswers(http);
    await this.#listen(http);
    const url = `http://${hostAndPort(this.#member.host, this.#member.httpPort)}`;
    this.#log.info({ code: 'serving', url, pid: process.pid }, `serving at ${url}`);
    let stopping: Promise<void> | undefined;
    return {
      url,
      stop: () => {
        stopping ??= this.#stop(() => drainServer({ http, node, admission, answers }, this.#drainTimes));
        return stopping;
      },
    };
  }

  /** An error in closing is not told: the one that led here is what has to be seen. */
  async undo(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close().catch(() => undefined);
  }

  get #drainTimes(): DrainTimes {
    return this.#options.drainTimes ?? DRAIN_TIMES;
  }

  async #openStorage(): Promise<Storage> {
    const { writeBufferBytes } = this.#options.settings.storage;
    await refuseOccupiedDirectory(this.directory);
    const storage = await this.#parts.openStorage({ directory: this.directory, writeBufferBytes });
    this.#closers.push(() => storage.close());
    return storage;
  }

  async #watchFreeSpace(storage: Storage): Promise<FreeSpace> {
    const { reserveBytes } = this.#options.settings.storage;
    const freeSpace = createFreeSpaceWatch({
      storage,
      reserveBytes,
      metrics: this.#metrics,
      log: this.#log,
    });
    this.#closers.push(async () => freeSpace.stop());
    await freeSpace.start();
    return freeSpace;
  }

  async #startNode(storage: Storage, freeSpace: FreeSpace): Promise<StorageNode> {
    const { config, settings, votesAfterLoss = false, votesWithout = [] } = this.#options;
    const { id, bind, peerPort } = this.#member;
    const network = createTcpNetwork({ self: { bind, port: peerPort }, addressOf: peerAddresses(config) });
    this.#closers.push(() => network.close());
    this.#metrics.watchSentMessages(() => network.sent);
    const node = await this.#parts.startNode({
      config,
      epoch: configurationEpoch(config),
      nodeId: id,
      sync: settings.storage.fsync,
      peerSecret: settings.peerSecret,
      askAllShare: settings.reads.askAllShare,
      votesAfterLoss,
      votesWithout: new Set(
        config.nodes.map((member) => member.id).filter((member) => votesWithout.includes(member)),
      ),
      clock: systemClock,
      random: systemRandom,
      storage,
      network,
      tracer: createServerTracer(this.#log, this.#metrics, this.#activity),
      reapAfterMs: settings.tombstones.reapAfterMs,
      isLowOnSpace: () => freeSpace.isLow,
      onFatal: (reason) => this.#fail(reason),
    });
    this.#closers.push(() => node.close(0));
    this.#metrics.watchHints(() =>
      node.members().flatMap(({ node: owner, hints }) => (hints === undefined ? [] : [{ owner, ...hints }])),
    );
    return node;
  }

  /** Whatever becomes of the log line, the process has to end. */
  #fail(reason: Error): void {
    try {
      this.#log.fatal({ code: 'node-failed', err: reason }, `this node stops: ${reason.message}`);
    } finally {
      this.#options.onFatal(reason);
    }
  }

  #createHttp(node: StorageNode, freeSpace: FreeSpace, admission: Admission): Server {
    const { config, settings } = this.#options;
    const overloadLog = new OverloadLog(this.#log);
    this.#closers.push(async () => overloadLog.stop());
    const http = createHttpServer({
      node,
      config,
      epoch: configurationEpoch(config),
      settings,
      admission,
      freeSpace,
      metrics: this.#metrics,
      activity: this.#activity,
      overloadLog,
      log: this.#log,
      requestIds: new RequestIds(Buffer.from(systemRandom.bytes(REQUEST_ID_PREFIX_BYTES)).toString('hex')),
    });
    this.#closers.push(() => closeHttpServer(http, 0));
    return http;
  }

  async #listen(http: Server): Promise<void> {
    await listenForHttp(http, this.#member.bind, this.#member.httpPort);
    // From here on an error is one connection that was not accepted: no file descriptor is left, for instance.
    http.on('error', (err) =>
      this.#log.error({ code: 'accept-failed', err }, 'a connection was not accepted'),
    );
  }

  /** Closes in any case: what a failed step has left open would keep the process alive. */
  async #stop(drain: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    this.#log.info({ code: 'draining' }, 'draining: new requests are refused, running ones are finished');
    try {
      await drain();
    } finally {
      await this.undo();
    }
    this.#log.info({ code: 'stopped', ms: Math.round(performance.now() - startedMs) }, 'stopped');
  }
}

function memberOf({ config, nodeId }: ServerOptions): MemberConfig {
  const member = config.nodes.find(({ id }) => id === nodeId);
  if (member === undefined) throw new Error(`no node ${nodeId} in the configuration`);
  return member;
}

interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

function peerAddresses({ nodes }: ClusterConfig): (peer: string) => PeerAddress {
  const addresses = new Map<string, PeerAddress>(
    nodes.map(({ id, host, peerPort }) => [id, { host, port: peerPort }]),
  );
  return (peer) => {
    const address = addresses.get(peer);
    if (address === undefined) throw new Error(`no peer ${peer} in the configuration`);
    return address;
  };
}
