/** Whether the clients' process was the bottleneck: figures of a store must not be those of its clients. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ClientHealth } from './jobs.ts';

/** Timers are looked at so often, milliseconds. */
const RESOLUTION_MS = 5;
/** Above these the clients are named beside the figures. */
const BUSY_SHARE = 0.85;

/** Watches until it is asked. */
export function watchHealth(): () => ClientHealth {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const cpu = process.cpuUsage();
  const sinceMs = performance.now();
  return () => {
    delays.disable();
    const { user, system } = process.cpuUsage(cpu);
    return {
      cpuShare: (user + system) / 1_000 / (performance.now() - sinceMs),
      lagP99Ms: Math.max(0, delays.percentile(99) / 1e6 - RESOLUTION_MS),
    };
  };
}

/** What a reader has to know of the clients, in one sentence. */
export function describeHealth(healths: readonly ClientHealth[]): string {
  const share = Math.max(0, ...healths.map(({ cpuShare }) => cpuShare));
  const lag = Math.max(0, ...healths.map(({ lagP99Ms }) => lagP99Ms));
  const busy = share > BUSY_SHARE ? ' They were a bottleneck: the store may do better than this.' : '';
  return `The clients' process used at most ${(share * 100).toFixed(0)} % of a processor, and its timers were up to ${lag.toFixed(1)} ms late (p99).${busy}`;
}
