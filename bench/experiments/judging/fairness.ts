/** Whether everybody gets a turn. */

/** How evenly something is shared out. */
export interface Fairness {
  /** 1 if all got the same, 1/n if one of n got everything (Jain, Chiu and Hawe, DEC TR-301, 1984). */
  readonly jain: number;
  readonly most: number;
  readonly fewest: number;
}

/** Of what each of some clients got; 1 where nobody got anything, for then nobody is worse off. */
export function fairnessOf(shares: readonly number[]): Fairness {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return {
    jain: squares === 0 ? 1 : (sum * sum) / (shares.length * squares),
    most: Math.max(0, ...shares),
    fewest: shares.length === 0 ? 0 : Math.min(...shares),
  };
}
