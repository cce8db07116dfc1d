/**
 * One run: anything may break; then everything heals for good, clients are answered, reads at all replicas bring them
 * together; then every process starts again from its disk. Invariants are checked at every step, and all of them at the end.
 */
import type { NodeId } from '../../../src/core/ids.ts';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { History, type Violation } from '../checkers/history.ts';
import { checkRestartChangedNothing } from '../checkers/replicas.ts';
import type { RunPlan } from '../plan/plan.ts';
import { simConfig } from '../world/quiet-world.ts';
import { CRASHED_INSIDE_CALL, SimCluster, type WorldObserver } from '../world/sim-cluster.ts';
import { Aftermath } from './aftermath.ts';
import { BUCKET } from './client-sessions.ts';
import { ConditionalEnd } from './conditional-end.ts';
import { FaultInjector } from './fault-injector.ts';
import { LostDisks } from './lost-disks.ts';
import { PatientLink } from './patient-link.ts';
import { RoundWatch } from './round-watch.ts';
import { describeError, RunLog } from './run-log.ts';
import { ClientLink } from './simulated-client.ts';
import { WhiteBox } from './white-box.ts';
import { Workload } from './workload.ts';

export interface RunResult {
  readonly violation: Violation | undefined;
  readonly traceHash: string;
  readonly events: number;
  readonly messages: number;
  readonly virtualMs: number;
  /** How often rare things happened. */
  readonly sometimes: ReadonlyMap<string, number>;
}

export interface RunWatcher {
  readonly onEvent?: (kind: string, owner: string, nowUs: number) => void;
  readonly onFrame?: (from: NodeId, to: NodeId, frame: Uint8Array, nowUs: number) => void;
  readonly onOperation?: (text: string, nowUs: number) => void;
}

/** Runs a plan to its end, or to its first violation. One at a time in a process: rejections that nobody handles are caught. */
export async function runPlan(plan: RunPlan, watcher: RunWatcher = {}): Promise<RunResult> {
  return new Simulation(plan, watcher).run();
}

class Simulation {
  readonly #plan: RunPlan;
  readonly #world: SimCluster;
  readonly #log: RunLog;
  readonly #faults: FaultInjector;
  readonly #workload: Workload;
  readonly #aftermath: Aftermath;
  /** Set in runs with conditional writes. */
  readonly #conditionalEnd: ConditionalEnd | undefined;
  readonly #whiteBox: WhiteBox;
  readonly #lostDisks: LostDisks;

  constructor(plan: RunPlan, watcher: RunWatcher) {
    this.#plan = plan;
    this.#world = worldOf(plan, {
      onTrace: (node, event) => this.#traced(node, event),
      onDeath: (node, reason) => {
        if (reason === CRASHED_INSIDE_CALL) this.#log.count('crash-inside-call');
        this.#log.operation(`${node} died: ${reason}`);
      },
      onFailStop: (node) => this.#stopped(node),
      onBug: (node, error) => this.#threw(node, error),
    });
    this.#lostDisks = new LostDisks(this.#world);
    const { loop, fabric } = this.#world;
    this.#log = new RunLog((text) => {
      loop.note(text);
      watcher.onOperation?.(text, loop.nowUs);
    });
    const history = new History();
    const whiteBox = new WhiteBox(this.#world, history, this.#log, () => this.#lostDisks.isEmpty);
    this.#whiteBox = whiteBox;
    this.#faults = new FaultInjector(this.#world, (node, hasGap) => {
      this.#lostDisks.add(node, hasGap);
      whiteBox.forget(node);
    });
    const isConditional = plan.options.conditional !== undefined;
    const rounds = isConditional ? new RoundWatch(this.#log, () => this.#workload.open) : undefined;
    const parts = {
      plan,
      rounds,
      world: this.#world,
      history,
      whiteBox,
      log: this.#log,
      link: new ClientLink(this.#world),
      hasLostDisk: () => !this.#lostDisks.isEmpty,
      isOldStateTrusted: () => this.#lostDisks.isOldStateTrusted,
    };
    this.#workload = new Workload(parts);
    const maxOpen = plan.options.limits?.maxOperationsInFlight;
    const link = maxOpen === undefined ? parts.link : new PatientLink(this.#world, maxOpen);
    this.#aftermath = new Aftermath({ ...parts, link });
    this.#conditionalEnd = isConditional ? new ConditionalEnd({ ...parts, link }) : undefined;
    loop.onEvent = (kind, owner) => watcher.onEvent?.(kind, owner, loop.nowUs);
    fabric.onDelivery = ({ from, to, frame }) => {
      loop.noteNumber(frame.length);
      rounds?.delivered(frame);
      watcher.onFrame?.(from, to, frame, loop.nowUs);
    };
  }

  async run(): Promise<RunResult> {
    const { loop, fabric } = this.#world;
    const onRejection = (error: unknown): void => this.#threw('somebody', error);
    process.on('unhandledRejection', onRejection);
    try {
      await this.#phases();
    } catch (error) {
      this.#threw('an event', error);
    } finally {
      process.off('unhandledRejection', onRejection);
    }
    return {
      violation: this.#log.violation,
      traceHash: loop.traceHash,
      events: loop.executed,
      messages: fabric.delivered,
      virtualMs: loop.nowUs / 1_000,
      sometimes: new Map([
        ...this.#log.counts,
        ...this.#faults.injected,
        ['two-dots', this.#whiteBox.dots.aliased.size],
      ]),
    };
  }

  async #phases(): Promise<void> {
    const { loop } = this.#world;
    this.#world.startAll();
    await loop.run(500_000);
    this.#faults.schedule(this.#plan.faults);
    this.#workload.schedule(this.#plan.operations);
    const untilUs = loop.nowUs + this.#plan.options.faultyUs;
    await loop.run(untilUs, () => this.#log.violation !== undefined);
    // In an event, as everything that starts processes: so the guard of the loop watches over it.
    loop.schedule(0, this.#world.outside, 'heal', () => this.#faults.heal());
    await this.#aftermath.settle(() => this.#workload.open);
    if (this.#log.violation === undefined) this.#log.report(this.#lostDisks.check());
    await this.#aftermath.converge();
    this.#aftermath.check();
    await this.#conditionalEnd?.sweep();
    await this.#conditionalEnd?.settle();
    await this.#conditionalEnd?.readAll();
    this.#conditionalEnd?.judge();
    await this.#writeAll();
    const shown = this.#aftermath.check();
    await this.#aftermath.closeAll();
    await this.#aftermath.restartAll();
    await this.#aftermath.converge();
    const shownAfter = this.#aftermath.check();
    await this.#conditionalEnd?.readAll();
    this.#conditionalEnd?.judge();
    if (this.#log.violation === undefined) this.#log.report(checkRestartChangedNothing(shown, shownAfter));
  }

  /** In a bucket of mode `cas` nobody writes plainly, and a counter, a list or a lock bears no plain write in any. */
  #writeAll(): Promise<void> {
    const { conditional } = this.#plan.options;
    const isPlain =
      conditional === undefined || (conditional.mode === 'mixed' && conditional.workload === 'register');
    return isPlain || this.#conditionalEnd === undefined
      ? this.#aftermath.writeAll()
      : this.#conditionalEnd.writeAll();
  }

  #traced(node: NodeId, event: TraceEvent): void {
    this.#log.count(event.type);
    if (event.type === 'handoff' && event.delivered > 0) this.#log.count('hint-delivered');
    if (event.type === 'exchange' && event.repaired > 0) this.#log.count('exchange-repaired');
    if (event.type === 'tombstone-reaped') this.#whiteBox.reaps(node, event);
    if (event.type === 'dot-collision')
      this.#log.report([{ invariant: 'dot-collision', detail: `${node} met two values of ${event.dot}` }]);
    this.#log.report(this.#lostDisks.traced(node, event));
  }

  /** Whoever watches over the process starts it again. */
  #stopped(node: NodeId): void {
    this.#log.count('fail-stop');
    this.#faults.restartLater(node, 3_000_000);
  }

  #threw(where: string, error: unknown): void {
    this.#log.report([{ invariant: 'no-exception', detail: `${where}: ${describeError(error)}` }]);
  }
}

function worldOf({ options, seed }: RunPlan, observer: WorldObserver): SimCluster {
  const { n, conditional } = options;
  const majority = Math.floor(n / 2) + 1;
  const bucket = { n, r: majority, w: majority };
  const config = simConfig(options.nodes, {
    partitions: options.partitions,
    ...(conditional === undefined
      ? {}
      : { defaults: bucket, buckets: new Map([[BUCKET, { ...bucket, mode: conditional.mode }]]) }),
    limits: { ...DEFAULT_LIMITS, ...options.limits, maxSiblings: options.maxSiblings, reserveBytes: 1 },
  });
  const clocks = new Map(config.nodes.map(({ id }, index) => [id, options.clocks[index]]));
  return new SimCluster(
    {
      seed,
      config,
      sync: options.sync,
      network: options.network,
      disk: options.disk,
      ...options.repairs,
      reapAfterMs: options.reapAfterMs,
      sizes: options.sizes,
      clockOf: (node) => clocks.get(node) as (typeof options.clocks)[number],
    },
    observer,
  );
}
