/** Runs regression scenarios by name, each in a process with a time limit. */
import { SCENARIOS } from '../scenarios/scenarios.ts';
import { EXIT_CODES, exitCodeOf, PROCESS_ENDED, WALL_CLOCK } from './failure-kind.ts';
import type { Violation } from '../checkers/history.ts';
import { WorkerProcess } from './worker-process.ts';

/** `all`, or the name of one. Answers the exit code. */
export async function runScenarios(
  name: string,
  limitMs: number,
  print: (text: string) => void,
): Promise<number> {
  const wanted = SCENARIOS.filter((scenario) => name === 'all' || scenario.name === name);
  if (wanted.length === 0) {
    print(`There is no scenario ${name}. There are: all, ${SCENARIOS.map((known) => known.name).join(', ')}`);
    return EXIT_CODES.usage;
  }
  const worker = new WorkerProcess();
  const failed: string[] = [];
  try {
    for (const scenario of wanted) {
      const violation = await runScenario(worker, scenario.name, limitMs);
      if (violation === undefined) {
        print(`ok   ${scenario.name}: ${scenario.rule}`);
        continue;
      }
      failed.push(violation.invariant);
      print(`npm run sim -- --scenario ${scenario.name}\nFAIL ${scenario.name}: ${scenario.rule}`);
      print(`  ${violation.invariant}: ${violation.detail}`);
    }
  } finally {
    worker.stop();
  }
  print(`${wanted.length - failed.length} of ${wanted.length} scenarios hold`);
  return exitCodeOf(failed);
}

async function runScenario(
  worker: WorkerProcess,
  name: string,
  limitMs: number,
): Promise<Violation | undefined> {
  const ended = await worker.run<'scenario'>({ type: 'scenario', name }, limitMs);
  switch (ended.type) {
    case 'answer':
      return ended.answer;
    case 'late':
      return { invariant: WALL_CLOCK, detail: `it was not done after ${limitMs / 1_000} s` };
    case 'ended':
      return { invariant: PROCESS_ENDED, detail: ended.reason };
  }
}
