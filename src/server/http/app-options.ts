import type { Logger } from 'pino';
import type { ClusterConfig } from '../../core/cluster-config.ts';
import type { ConfigurationEpoch } from '../../core/ids.ts';
import type { StorageNode } from '../../protocol/storage-node.ts';
import type { FreeSpace } from '../free-space.ts';
import type { NodeSettings } from '../node-settings.ts';
import type { Activity } from '../observability/activity.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { OverloadLog } from '../observability/overload-log.ts';
import type { Admission } from './admission.ts';
import type { RequestIds } from './exchange.ts';

/** What the HTTP API works with; the composition root puts it together. */
export interface AppOptions {
  readonly node: StorageNode;
  readonly config: ClusterConfig;
  readonly epoch: ConfigurationEpoch;
  readonly settings: Pick<NodeSettings, 'cors' | 'auth'>;
  readonly admission: Admission;
  readonly freeSpace: Pick<FreeSpace, 'isLow' | 'refuseIfLow'>;
  readonly metrics: Metrics;
  readonly activity: Activity;
  readonly overloadLog: Pick<OverloadLog, 'refused'>;
  readonly log: Logger;
  readonly requestIds: RequestIds;
}
