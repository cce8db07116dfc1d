/** A simulated cluster without faults of its own, for tests that make exactly the faults they are about. */
import type { ClusterConfig } from '../../../src/core/cluster-config.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { SimCluster, type WorldObserver, type WorldOptions } from './sim-cluster.ts';
import type { DiskOptions } from './sim-disk.ts';

/** Nodes n1, n2, ... each in a zone of its own. */
export function simConfig(nodes: number, overrides: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    cluster: 'sim',
    partitions: 16,
    nodes: Array.from({ length: nodes }, (_, index) => ({
      id: `n${index + 1}` as NodeId,
      host: `n${index + 1}`,
      bind: `n${index + 1}`,
      httpPort: 1,
      peerPort: 2,
      zone: `z${index + 1}`,
    })),
    defaults: { n: Math.min(3, nodes), r: Math.min(2, nodes), w: Math.min(2, nodes) },
    buckets: new Map(),
    limits: { ...DEFAULT_LIMITS, reserveBytes: 0 },
    ...overrides,
  };
}

export const QUIET_DISK: DiskOptions = {
  meanSyncUs: 300,
  meanWriteUs: 50,
  meanReadUs: 0,
  stallChance: 0,
  stallUs: 0,
  segmentBytes: 64 * 1024,
};

export function quietWorld(
  config: ClusterConfig,
  overrides: Partial<WorldOptions> = {},
  observer: WorldObserver = {},
): SimCluster {
  return new SimCluster(
    {
      seed: 1,
      config,
      sync: true,
      network: {
        minDelayUs: 200,
        meanDelayUs: 100,
        slowChance: 0,
        lossChance: 0,
        duplicateChance: 0,
        reorderChance: 0,
      },
      disk: QUIET_DISK,
      clockOf: () => ({ drift: 0, wallOffsetMs: 0, lateMs: 0, stallChance: 0, stallMs: 0 }),
      ...overrides,
    },
    observer,
  );
}
