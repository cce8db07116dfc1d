import { describe, expect, it } from 'vitest';
import { type HistoryResult, runHistory } from './random-history.ts';
import { PRODUCTION_RULES, type ReplicaRules } from './replica-model.ts';
import { WRONG_RULES } from './wrong-rules.ts';

/** Histories of the same seeds on every run, and as many of fresh ones. */
const RUNS = 5_000;
/** Histories within which every wrong rule shows. */
const RUNS_TO_NOTICE = 3_000;

/** Shows only where a store loses its latest writes while the process runs on, which no history can survive wholly. */
const NEEDS_ANOTHER_FAULT = new Set(['no look at whether a client knows more of this incarnation']);

/** QUORATE_SEED=n runs the history of that seed alone and prints its operations. */
const SEED_TO_REPLAY = process.env['QUORATE_SEED'];

function findViolation(rules: ReplicaRules, firstSeed: number, runs: number): string | undefined {
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const { violation } = runHistory({ seed, rules });
    if (violation !== undefined) return describeFailure(seed, rules, violation);
  }
  return undefined;
}

function describeFailure(seed: number, rules: ReplicaRules, violation: string): string {
  const lines: string[] = [];
  runHistory({ seed, rules, onOperation: (line) => lines.push(line) });
  return [`QUORATE_SEED=${seed} replays it:`, ...lines, violation].join('\n');
}

describe.skipIf(SEED_TO_REPLAY !== undefined)('in random histories', () => {
  it('no write is lost, revived or shown twice, and all replicas agree', () => {
    expect(findViolation(PRODUCTION_RULES, 1, RUNS)).toBeUndefined();
  });

  it('of fresh seeds neither', () => {
    const firstSeed = Math.floor(Math.random() * 2 ** 31);
    expect(findViolation(PRODUCTION_RULES, firstSeed, RUNS)).toBeUndefined();
  });

  it('nearly every event is decided by the oracle', () => {
    const results = Array.from({ length: 1_000 }, (_, seed) => runHistory({ seed, rules: PRODUCTION_RULES }));
    const sum = (count: (result: HistoryResult) => number): number =>
      results.reduce((total, result) => total + count(result), 0);
    expect(sum(({ undecided }) => undecided)).toBeLessThan(sum(({ events }) => events) / 100);
  });

  it('the same seed is the same history', () => {
    const play = (): readonly string[] => {
      const lines: string[] = [];
      runHistory({ seed: 7, rules: PRODUCTION_RULES, onOperation: (line) => lines.push(line) });
      return lines;
    };
    expect(play().length).toBeGreaterThan(9);
    expect(play()).toEqual(play());
  });

  it.each(Object.entries(WRONG_RULES).filter(([name]) => !NEEDS_ANOTHER_FAULT.has(name)))(
    'a wrong rule is noticed: %s',
    (_, rules) => {
      expect(findViolation(rules, 1, RUNS_TO_NOTICE)).toMatch(/^QUORATE_SEED=\d+ replays it:\n/);
    },
  );
});

describe.runIf(SEED_TO_REPLAY !== undefined)('the history of one seed', () => {
  it('keeps all writes', () => {
    const { violation } = runHistory({
      seed: Number(SEED_TO_REPLAY),
      rules: PRODUCTION_RULES,
      onOperation: (line) => process.stdout.write(`${line}\n`),
    });
    expect(violation).toBeUndefined();
  });
});
