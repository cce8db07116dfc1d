/**
 * Makes a failing run as small as it gets while the same invariant fails: first what came too late to matter, then faults,
 * then everything that a plan can be simpler in, then operations; and again, until nothing changes. Draws of the network
 * and the disks are stateless, so what is left out changes little of the rest.
 */
import type { RunPlan } from '../plan/plan.ts';
import { minimize } from './delta-debugging.ts';
import { SIMPLIFICATIONS } from './simpler-plans.ts';

/** What one run came to, as far as shrinking asks. */
export interface Attempt {
  /** The invariant that failed, if one did. */
  readonly invariant: string | undefined;
  /** Virtual milliseconds until it failed. */
  readonly virtualMs: number;
}

export interface ShrinkOptions {
  readonly run: (plan: RunPlan) => Promise<Attempt>;
  readonly maxRuns: number;
  /** Whether the time for it is over. */
  readonly isLate: () => boolean;
  /** Called after each step that made the plan smaller. */
  readonly onSmaller?: (plan: RunPlan, runs: number) => void;
}

export interface Shrunk {
  readonly plan: RunPlan;
  readonly runs: number;
  /** Whether nothing more can be left out; else the budget was spent. */
  readonly isMinimal: boolean;
}

/** `plan` fails with `first`. The result fails with the same invariant. */
export async function shrinkPlan(plan: RunPlan, first: Attempt, options: ShrinkOptions): Promise<Shrunk> {
  return new Shrinking(plan, first, options).shrink();
}

class Shrinking {
  readonly #first: Attempt;
  readonly #options: ShrinkOptions;
  #plan: RunPlan;
  #runs = 0;
  #isSpent = false;

  constructor(plan: RunPlan, first: Attempt, options: ShrinkOptions) {
    this.#plan = plan;
    this.#first = first;
    this.#options = options;
  }

  async shrink(): Promise<Shrunk> {
    await this.#cutLate();
    let before: string;
    do {
      before = JSON.stringify(this.#plan);
      await this.#dropFaults();
      // Before the operations: in a network that behaves, one operation less changes less of what happens to the others.
      await this.#simplify();
      await this.#dropKeys();
      await this.#dropOperations();
    } while (!this.#isSpent && JSON.stringify(this.#plan) !== before);
    return { plan: this.#plan, runs: this.#runs, isMinimal: !this.#isSpent };
  }

  /** What begins after the invariant had failed cannot matter. */
  async #cutLate(): Promise<void> {
    const untilUs = this.#first.virtualMs * 1_000;
    const isEarly = ({ atUs }: { readonly atUs: number }): boolean => atUs <= untilUs;
    const { operations, faults } = this.#plan;
    await this.#try({
      ...this.#plan,
      operations: operations.filter(isEarly),
      faults: faults.filter(isEarly),
    });
  }

  async #dropFaults(): Promise<void> {
    await minimize(this.#plan.faults, (faults) => this.#try({ ...this.#plan, faults }));
  }

  /** All operations of a key at once: most keys have nothing to do with what happened to one. */
  async #dropKeys(): Promise<void> {
    const { operations } = this.#plan;
    const keys = [...new Set(operations.map(({ key }) => key))];
    await minimize(keys, (kept) =>
      this.#try({ ...this.#plan, operations: operations.filter(({ key }) => kept.includes(key)) }),
    );
  }

  async #dropOperations(): Promise<void> {
    await minimize(this.#plan.operations, (operations) => this.#try({ ...this.#plan, operations }));
  }

  async #simplify(): Promise<void> {
    for (const simplified of SIMPLIFICATIONS) await this.#try(simplified(this.#plan));
  }

  /** Keeps a smaller plan if the same invariant fails in it. */
  async #try(smaller: RunPlan): Promise<boolean> {
    if (JSON.stringify(smaller) === JSON.stringify(this.#plan)) return true;
    this.#isSpent ||= this.#runs >= this.#options.maxRuns || this.#options.isLate();
    if (this.#isSpent) return false;
    this.#runs += 1;
    const { invariant } = await this.#options.run(smaller);
    if (invariant !== this.#first.invariant) return false;
    this.#plan = smaller;
    this.#options.onSmaller?.(smaller, this.#runs);
    return true;
  }
}
