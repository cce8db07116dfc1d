/**
 * What users of each arm notice of faults: a home replica is killed and started again, the nodes are parted into two sides that
 * do not hear each other, one node becomes slow. All arms run at once through the same faults, on keys of their own.
 *
 * All keys have the same three home replicas of five nodes: n1, n3 and n4. The partition leaves n1 on the smaller side, so that side
 * has a minority of every key, and the other one a majority. Each phase has keys of its own, so that those of a phase that is over
 * are written no more, and one can see when their replicas are equal.
 */
import type { RingBody } from '../../../src/api/bodies.ts';
import { PATHS } from '../../../src/api/paths.ts';
import type { BenchCluster } from '../../system/cluster.ts';
import { withCluster } from '../../system/temporary-cluster.ts';
import { ARM_IDS, type ArmId } from '../arms/arms.ts';
import { startClients } from '../clients/clients.ts';
import type { TimelineJob, TimelineResult, ToldUpdate } from '../clients/jobs.ts';
import type { ExperimentContext } from '../experiment.ts';
import {
  FULL_SCHEDULE,
  type Phase,
  type PhaseName,
  phasesOf,
  QUICK_SCHEDULE,
  type Schedule,
  SIDES,
} from './schedule.ts';
import { type Aftermath, FaultScript } from './script.ts';
import { type Finding, FinalState } from '../judging/final-state.ts';
import type { KeyTally } from '../judging/lost-ids.ts';
import { onceFor } from '../once.ts';
import { keysOn } from './placed-keys.ts';

const NODES = 5;
const COPIES = 3;
const BUCKET = 'bench';
const KEYS_PER_PHASE = 8;
export const UPDATES_PER_SECOND = 10;
export const TIMEOUT_MS = 1_000;
/** Nodes that have just started run slow code, and would look broken. */
const WARM_UP_MS = { full: 3_000, quick: 1_500 };
export interface Faults {
  /** As it happened. */
  readonly schedule: Schedule;
  readonly phases: readonly Phase[];
  readonly result: TimelineResult;
  readonly aftermaths: readonly Aftermath[];
  readonly findings: ReadonlyMap<ArmId, Finding>;
  readonly broken: readonly string[];
}

/** Measured once for each run of the bench; the headline needs it too. */
export const measureFaults = onceFor(async (context: ExperimentContext): Promise<Faults> => {
  const { program, outputDirectory, signal } = context;
  return withCluster(
    { nodeCount: NODES, copies: COPIES, links: true, program, outputDirectory, signal },
    async (cluster, stops) => {
      const clients = startClients();
      stops.push(() => clients.stop());
      const urls = cluster.nodes.map(({ url }) => url);
      const finalState = new FinalState({ urls, bucket: BUCKET, signal });
      stops.push(() => finalState.close());
      const schedule = context.isQuick ? QUICK_SCHEDULE : FULL_SCHEDULE;
      const job = await jobOf(cluster, schedule);
      const warmUpMs = context.isQuick ? WARM_UP_MS.quick : WARM_UP_MS.full;
      await clients.timeline({ ...job, bucket: 'warm-up', endMs: warmUpMs }, () => {});
      const script = new FaultScript(cluster, { schedule, job, finalState, context });
      let faultsDone: Promise<readonly Aftermath[]> = Promise.resolve([]);
      const result = await clients.timeline(job, () => {
        faultsDone = script.run();
        // Whoever waits for the clients learns of it below; until then nobody waits for this.
        faultsDone.catch(() => {});
      });
      const aftermaths = await faultsDone;
      cluster.assertRunning();
      context.progress('faults: reading everything');
      const { happened } = script;
      return {
        schedule: happened,
        phases: phasesOf(happened),
        result,
        aftermaths,
        ...(await judge(result, finalState)),
      };
    },
  );
});

async function jobOf({ nodes }: BenchCluster, schedule: Schedule): Promise<Omit<TimelineJob, 'type'>> {
  const [n1, n2, n3, n4, n5] = nodes.map(({ url }) => url) as [string, string, string, string, string];
  const ring = (await (await fetch(`${n1}${PATHS.ring}`)).json()) as RingBody;
  const keysFor = (phase: PhaseName, arm: ArmId): readonly string[] =>
    keysOn([n1, n3, n4], KEYS_PER_PHASE, {
      ...{ ring, bucket: BUCKET },
      prefix: `${phase.replace(' ', '-')}-${arm}`,
    });
  return {
    bucket: BUCKET,
    arms: ARM_IDS,
    sides: [
      { name: SIDES.minority, urls: [n1, n2] },
      { name: SIDES.majority, urls: [n3, n4, n5] },
    ],
    phases: phasesOf(schedule).map(({ name, fromMs }) => ({
      ...{ name, fromMs },
      keys: Object.fromEntries(ARM_IDS.map((arm) => [arm, keysFor(name, arm)])) as Record<
        ArmId,
        readonly string[]
      >,
    })),
    endMs: schedule.endMs,
    updatesPerSecond: UPDATES_PER_SECOND,
    timeoutMs: TIMEOUT_MS,
  };
}

async function judge(
  { updates, violations }: TimelineResult,
  finalState: FinalState,
): Promise<Pick<Faults, 'findings' | 'broken'>> {
  const findings = new Map<ArmId, Finding>();
  for (const arm of ARM_IDS) findings.set(arm, await finalState.judge(arm, talliesOf(arm, updates)));
  return { findings, broken: [...[...findings.values()].flatMap(({ broken }) => broken), ...violations] };
}

/** What was told of each key of an arm. */
function talliesOf(arm: ArmId, updates: readonly ToldUpdate[]): readonly KeyTally[] {
  const own = updates.filter((update) => update.arm === arm);
  return [...new Set(own.map(({ key }) => key))].map((key) => {
    const ids = (fate: ToldUpdate['fate']): readonly string[] =>
      own.filter((update) => update.key === key && update.fate === fate).map(({ id }) => id);
    return { key, acknowledged: ids('well'), unknown: ids('unknown'), refused: ids('refused') };
  });
}
