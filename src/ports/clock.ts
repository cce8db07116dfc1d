/** Time, as a parameter. */
export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary start. All durations and deadlines use it. */
  nowMs(): number;
  /** Milliseconds since 1970; may jump. Only for people to read, never for ordering or deadlines. */
  wallMs(): number;
  /** Calls back once after at least that many milliseconds. */
  setTimer(delayMs: number, onFire: () => void): Timer;
}
