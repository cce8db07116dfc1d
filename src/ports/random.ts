/** Chance, as a parameter. */
export interface Random {
  /** Unpredictable bytes, fit for identities and secrets. */
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1). */
  fraction(): number;
}
