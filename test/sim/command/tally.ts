/** The sums over many runs: how much was tried, and whether the rare things were. */
import { quantity } from './quantity.ts';
import type { RunSummary } from './task.ts';

/**
 * Things that have to happen now and then in enough runs. One that never does is not tested, whatever the invariants say: the
 * plans no longer lead there, or the path to it is gone.
 */
const RARE = [
  ...[
    'crash',
    'crash-inside-call',
    'cut',
    'reset',
    'pause',
    'slow',
    'clock-jump',
    'write-fault',
    'low-space',
  ],
  ...[
    'filter',
    'misread',
    'wiped',
    'rolled-back',
    'gap',
    'snapshot',
    'forget',
    'fail-stop',
    'storage-failed',
  ],
  ...[
    'forwarded',
    'hedged-read',
    'read-of-all',
    'read-repair',
    'retry',
    'three-siblings',
    'malformed-frame',
    'two-dots',
  ],
  ...['incarnation-renewed', 'unreadable-record', 'unknown-write-shown', 'write-ok', 'write-unknown'],
  ...[
    'write-not-applied',
    'read-failed',
    'quorum-unavailable',
    'quorum-timeout',
    'sibling-limit',
    'no-space',
  ],
  ...['write-id-expired', 'store-lost-something', 'peer-store-replaced', 'peer-store-rolled-back'],
  ...['recovering', 'recovering-read', 'fallback-coordinated'],
  ...['hint-stored', 'hint-refused', 'hint-delivered', 'hints-loaded', 'sloppy-write', 'sloppy-read'],
  ...['exchange', 'exchange-repaired', 'reap-round', 'tombstone-reaped', 'session-read', 'session-too-new'],
] as const;

/** The same where there are conditional writes. */
const RARE_CONDITIONAL = [
  ...['refused-dirty', 'refused-outbid', 'refused-not-voting', 'quick-read', 'identity-round', 'write-round'],
  ...['swept', 'unfinished-round-read', 'repeated', 'refused-for-good', 'write-id-expired', 'cas-contention'],
  ...['conditional-unknown', 'conditional-not-applied', 'precondition-failed', 'created'],
  ...['siblings-in-linearizable-read', 'linearizability-legal', 'counter-exact'],
] as const;

/** Runs from which on a rare thing that never happened is worth a warning. */
export const ENOUGH_RUNS = 200;

export class Tally {
  runs = 0;
  failed = 0;
  #events = 0;
  #messages = 0;
  #operations = 0;
  #faults = 0;
  #virtualMs = 0;
  #busyMs = 0;
  readonly #sometimes = new Map<string, number>();

  add(summary: RunSummary): void {
    this.runs += 1;
    this.#events += summary.events;
    this.#messages += summary.messages;
    this.#operations += summary.operations;
    this.#faults += summary.faults;
    this.#virtualMs += summary.virtualMs;
    this.#busyMs += summary.wallMs;
    for (const [name, count] of summary.sometimes) {
      this.#sometimes.set(name, (this.#sometimes.get(name) ?? 0) + count);
    }
  }

  /** A run that did not come to an end. */
  addLost(): void {
    this.runs += 1;
  }

  /** One line. `wallMs`: how long it took, by the clock on the wall. */
  summary(wallMs: number): string {
    const perSecond = this.#busyMs === 0 ? 0 : (1_000 * this.#events) / this.#busyMs;
    return [
      `${quantity(this.runs)} runs`,
      `${(this.#virtualMs / 3_600_000).toFixed(2)} virtual hours`,
      `${quantity(this.#operations)} operations`,
      `${quantity(this.#messages)} messages`,
      `${quantity(this.#events)} events (${quantity(perSecond)}/s per process)`,
      `${quantity(this.#faults)} faults injected`,
      `${(wallMs / 1_000).toFixed(0)} s`,
    ].join(', ');
  }

  /** How often rare things happened, and a warning for each of those that never did in so many runs. */
  sometimes(): readonly string[] {
    const counted = [...this.#sometimes].sort(([left], [right]) => (left < right ? -1 : 1));
    const areConditional = this.#sometimes.has('conditional-ok');
    const never = [...RARE, ...(areConditional ? RARE_CONDITIONAL : [])].filter(
      (name) => (this.#sometimes.get(name) ?? 0) === 0,
    );
    return [
      `sometimes: ${counted.map(([name, count]) => `${name} ${quantity(count)}`).join(', ')}`,
      ...(this.runs < ENOUGH_RUNS
        ? []
        : never.map((name) => `WARNING: ${name} never happened in ${this.runs} runs`)),
    ];
  }
}
