/**
 * Keeps the last things that happened in a run, in words: what a person needs who asks how it came to fail. A failure is often
 * found long after its cause, by the reads that bring all replicas together when everything works again; so the last things of
 * the part in which things break are kept beside the very last.
 */
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
  readonly #plan: RunPlan;
  readonly #reader = new MessageReader();
  readonly #operations: PlannedOperation[];
  readonly #faults: PlannedFault[];
  /** Of the planned part, and of what follows it. */
  #planned: TraceRow[] = [];
  #after: TraceRow[] = [];
  /** When the planned part of the run began. */
  #startUs: number | undefined;

  /** Keeps the last `keep` rows of either part. */
  constructor(plan: RunPlan, keep: number) {
    this.#keep = keep;
    this.#plan = plan;
    this.#operations = [...plan.operations];
    this.#faults = [...plan.faults];
  }

  /** In the order of time; without those about other keys, if some keys are named. */
  rows(keys: readonly string[]): readonly TraceRow[] {
    const others = keys.length === 0 ? [] : this.#plan.options.keys.filter((key) => !keys.includes(key));
    const isWanted = ({ text }: TraceRow): boolean => !others.some((key) => mentions(text, key));
    const planned = this.#planned.filter(isWanted).slice(-this.#keep);
    const after = this.#after.filter(isWanted).slice(-this.#keep);
    if (planned.length === 0 || after.length === 0) return [...planned, ...after];
    const untilUs = (after[0] as TraceRow).atUs;
    return [...planned, { atUs: untilUs, place: undefined, text: 'everything works again' }, ...after];
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
    if (operation !== undefined)
      this.#add(nowUs, 'clients', describeOperation(operation, this.#plan.options.keys));
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
      // How the nodes met before anything was planned is the same in every run.
      this.#planned = [];
    }
    const startUs = this.#startUs;
    return planned.findIndex((one) => startUs + one.atUs === nowUs && isMeant(one));
  }

  #add(atUs: number, place: string | undefined, text: string): void {
    const endUs = (this.#startUs ?? 0) + this.#plan.options.faultyUs;
    if (this.#startUs === undefined || atUs <= endUs)
      this.#planned = this.#appended(this.#planned, { atUs, place, text });
    else this.#after = this.#appended(this.#after, { atUs, place, text });
  }

  #appended(rows: TraceRow[], row: TraceRow): TraceRow[] {
    rows.push(row);
    // Far more than are shown, for most may be about other keys; cut now and then only, as a cut copies them all.
    const kept = 20 * this.#keep;
    return rows.length > 2 * kept ? rows.slice(-kept) : rows;
  }
}

/** Whether a text names a key, as a whole word. */
export function mentions(text: string, key: string): boolean {
  return text.split(/[^\w-]+/).includes(key);
}
