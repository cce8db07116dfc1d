/** The real HTTP server on a free port, in front of a storage node in memory. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { configurationEpoch } from '../../../src/codec/hash.ts';
import type { BucketConfig, ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/core/limits.ts';
import { FreeSpace } from '../../../src/server/free-space.ts';
import { Admission } from '../../../src/server/http/admission.ts';
import { RequestIds } from '../../../src/server/http/exchange.ts';
import { createHttpServer } from '../../../src/server/http/http-server.ts';
import type { NodeSettings } from '../../../src/server/node-settings.ts';
import { Activity } from '../../../src/server/observability/activity.ts';
import { createMetrics } from '../../../src/server/observability/metrics.ts';
import { OverloadLog } from '../../../src/server/observability/overload-log.ts';
import { HttpClient } from './http-client.ts';
import { MemoryNode } from './memory-node.ts';

interface TestServerOptions {
  readonly members?: number;
  readonly buckets?: Readonly<Record<string, BucketConfig>>;
  readonly limits?: Partial<Limits>;
  readonly origins?: readonly string[];
  readonly tokens?: NodeSettings['auth']['tokens'];
}

export interface TestServer {
  readonly port: number;
  readonly node: MemoryNode;
  readonly config: ClusterConfig;
  readonly server: Server;
  readonly admission: Admission;
  readonly client: HttpClient;
  /** Lines that the server logged, each a JSON object. */
  readonly logged: readonly string[];
  /** Lets the disk seem to have this many bytes left. */
  setFreeBytes(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Three members, N=3, R=W=2, and a bucket `accounts` of mode `cas`, unless told otherwise. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const config = clusterOf(options);
  const node = new MemoryNode(config);
  const admission = new Admission(config.limits.maxOperationsInFlight);
  const metrics = createMetrics(node.nodeId);
  const activity = new Activity();
  metrics.watchInFlight(() => admission.inFlight);
  const disk = { freeBytes: Number.POSITIVE_INFINITY };
  const freeSpace = new FreeSpace({
    storage: { freeSpaceBytes: async () => disk.freeBytes },
    reserveBytes: config.limits.reserveBytes,
    intervalMs: 3_600_000,
    onMeasured: () => {},
    onChange: () => {},
  });
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const overloadLog = new OverloadLog(log);
  const server = createHttpServer({
    node,
    config,
    epoch: configurationEpoch(config),
    settings: { cors: { origins: options.origins ?? [] }, auth: { tokens: options.tokens ?? [] } },
    admission,
    freeSpace,
    metrics,
    activity,
    overloadLog,
    log,
    requestIds: new RequestIds('test'),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new HttpClient(port);
  return {
    port,
    node,
    config,
    server,
    admission,
    client,
    logged,
    setFreeBytes: (bytes) => {
      disk.freeBytes = bytes;
      return freeSpace.measure();
    },
    close: async () => {
      client.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      overloadLog.stop();
    },
  };
}

function clusterOf({ members = 3, buckets, limits }: TestServerOptions): ClusterConfig {
  return {
    cluster: 'test',
    partitions: 8,
    nodes: Array.from({ length: members }, (_, index) => ({
      id: `n${index + 1}` as NodeId,
      host: '127.0.0.1',
      bind: '127.0.0.1',
      httpPort: 7001 + index,
      peerPort: 7101 + index,
      zone: `z${index + 1}`,
    })),
    defaults: { n: 3, r: 2, w: 2 },
    buckets: new Map(Object.entries(buckets ?? { accounts: { n: 3, r: 2, w: 2, mode: 'cas' } })),
    limits: { ...DEFAULT_LIMITS, maxValueBytes: 64 * 1024, ...limits },
  };
}
