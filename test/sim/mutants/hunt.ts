/**
 * Runs seeds one after the other until the expected invariant fails, in the working directory's sources: the half of the
 * mutant runner that is started inside the planted tree. Writes one line of JSON for each seed.
 *
 *   hunt.ts FIRST_SEED SEEDS PROFILE OPERATIONS [INVARIANT] [ONLY] [SCENARIO]
 *
 * With ONLY only seeds are run, and counted, in which a disk is lost so (`wiped`, `rolled-back`, `gap`), tombstones are
 * reaped and replicas not compared (`reaping`), or conditional writes go to a bucket of this mode (`mixed`, `cas`).
 * With SCENARIO that is run, and no seed.
 */
import { drawPlan, type Profile } from '../plan/draw-plan.ts';
import type { RunPlan } from '../plan/plan.ts';
import { runPlan } from '../run/simulation.ts';
import { ScenarioFailure } from '../scenarios/scenario.ts';
import { SCENARIOS } from '../scenarios/scenarios.ts';

/** What one seed came to. */
export interface HuntedSeed {
  readonly seed: number;
  readonly events: number;
  /** The invariant that failed, if one did. */
  readonly invariant?: string;
  readonly detail?: string;
}

async function hunt(): Promise<void> {
  const [first, seeds, profile, operations, invariant, only = '', scenario = ''] = process.argv.slice(2);
  if (scenario !== '') {
    process.stdout.write(`${JSON.stringify(await outcomeOf(scenario))}\n`);
    return;
  }
  const settings = { profile: profile as Profile, operations: Number(operations) };
  let run = 0;
  for (let seed = Number(first); run < Number(seeds); seed += 1) {
    const plan = drawPlan(seed, settings);
    if (only !== '' && !has(plan, only)) continue;
    run += 1;
    const { violation, events } = await runPlan(plan);
    const hunted: HuntedSeed = { seed, events, ...violation };
    process.stdout.write(`${JSON.stringify(hunted)}\n`);
    if (violation !== undefined && violation.invariant === invariant) return;
  }
}

/** A scenario as if it were one seed. */
async function outcomeOf(name: string): Promise<HuntedSeed> {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  try {
    await scenario.run();
    return { seed: 0, events: 0 };
  } catch (error) {
    if (!(error instanceof ScenarioFailure)) throw error;
    return { seed: 0, events: 0, invariant: 'scenario', detail: error.message };
  }
}

function has({ faults, options }: RunPlan, only: string): boolean {
  if (only === 'mixed' || only === 'cas') return options.conditional?.mode === only;
  // Where nothing compares replicas they stay different for long enough.
  if (only === 'reaping') return options.reapAfterMs !== undefined && !options.repairs.antiEntropy;
  return faults.some((fault) => fault.type === 'crash' && fault.disk === only);
}

await hunt();
