/** Keeps the last things that happened in a run, in words: what a person needs who asks how it came to fail. */
import type { PlannedFault, PlannedOperation, RunPlan } from '../plan/plan.ts';
import type { RunWatcher } from '../run/simulation.ts';
import { describeFault, describeOperation } from './plan-text.ts';
import { MessageReader } from './message-text.ts';

/** One thing that happened, and where: at a node, at the clients, or (a fault) to all. */
export interface TraceRow {
  readonly atUs: number;
  /** Name of a node, or `clients`; undefined: across all columns. */
  readonly place: string | undefined;
  readonly text: string;
}

const DEATH = /^(n\d+) died: (.*)$/;

export class FlightRecorder {
  readonly #keep: number;
  readonly #reader = new MessageReader();
  readonly #operations: PlannedOperation[];
  readonly #faults: PlannedFault[];
  #rows: TraceRow[] = [];
  /** When the planned part of the run began. */
  #startUs: number | undefined;

  /** Keeps the last `keep` rows. */
  constructor(plan: RunPlan, keep: number) {
    this.#keep = keep;
    this.#operations = [...plan.operations];
    this.#faults = [...plan.faults];
  }

  get rows(): readonly TraceRow[] {
    return this.#rows.slice(-this.#keep);
  }

  readonly watcher: RunWatcher = {
    onEvent: (kind, _owner, nowUs) => {
      if (kind === 'client') this.#began(nowUs);
      else if (kind === 'restart') this.#add(nowUs, undefined, 'a node starts again');
      else if (kind.startsWith('fault-') && kind !== 'fault-ends') this.#broke(kind, nowUs);
    },
    onFrame: (from, to, frame, nowUs) => {
      this.#add(nowUs, to, `${from}> ${this.#reader.describe(from, to, frame)}`);
    },
    onOperation: (text, nowUs) => {
      const [, node, reason] = DEATH.exec(text) ?? [];
      if (node === undefined) this.#add(nowUs, 'clients', text.replace(/^client /, 'c'));
      else this.#add(nowUs, node, `DIED: ${reason}`);
    },
  };

  /** An operation begins: the first planned one that is due. */
  #began(nowUs: number): void {
    const index = this.#indexOf(this.#operations, nowUs, () => true);
    const [operation] = index < 0 ? [] : this.#operations.splice(index, 1);
    if (operation !== undefined) this.#add(nowUs, 'clients', describeOperation(operation));
  }

  #broke(kind: string, nowUs: number): void {
    const index = this.#indexOf(this.#faults, nowUs, ({ type }) => kind === `fault-${type}`);
    const [fault] = index < 0 ? [] : this.#faults.splice(index, 1);
    this.#add(nowUs, undefined, fault === undefined ? kind : describeFault(fault));
  }

  /** What is planned lies as far after the start of the plan as the event that it became. */
  #indexOf<Planned extends { readonly atUs: number }>(
    planned: readonly Planned[],
    nowUs: number,
    isMeant: (planned: Planned) => boolean,
  ): number {
    if (this.#startUs === undefined) {
      const [first] = [...this.#operations, ...this.#faults].sort((left, right) => left.atUs - right.atUs);
      this.#startUs = nowUs - (first?.atUs ?? 0);
    }
    const startUs = this.#startUs;
    return planned.findIndex((one) => startUs + one.atUs === nowUs && isMeant(one));
  }

  #add(atUs: number, place: string | undefined, text: string): void {
    this.#rows.push({ atUs, place, text });
    // Cut now and then only: a copy for each row would cost more than the run.
    if (this.#rows.length > 4 * this.#keep) this.#rows = this.#rows.slice(-this.#keep);
  }
}
