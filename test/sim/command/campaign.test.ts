import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Campaign, type CampaignOptions, type Failure } from './campaign.ts';
import { exitCodeOf } from './failure-kind.ts';
import { ENOUGH_RUNS } from './tally.ts';
import type { PlanSource } from './task.ts';
import { WorkerProcess } from './worker-process.ts';

const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

/** A worker that answers with what an expression of `task` and `runs` (so many tasks of this process) says. */
async function workerProgram(answer: string): Promise<URL> {
  const directory = await mkdtemp(join(tmpdir(), 'quorate-sim-worker-'));
  directories.push(directory);
  const file = join(directory, 'worker.mjs');
  await writeFile(
    file,
    `let runs = 0;
    const summary = (violation) => ({ violation, traceHash: 'h', events: 10, messages: 5, virtualMs: 3600000,
      operations: 7, faults: 2, wallMs: 1, sometimes: [['crash', 1]] });
    process.on('message', (task) => {
      runs += 1;
      const { seed } = task.source;
      process.send({ type: 'answer', answer: (${answer}) });
    });
    process.on('disconnect', () => process.exit());`,
  );
  return pathToFileURL(file);
}

function* seeds(count: number): Generator<PlanSource, undefined> {
  for (let seed = 1; seed <= count; seed += 1) yield { type: 'seed', seed, profile: 'quorum', operations: 1 };
  return undefined;
}

interface Ended {
  readonly campaign: Campaign;
  readonly failures: readonly string[];
}

async function runCampaign(
  answer: string,
  count: number,
  options: Partial<CampaignOptions> = {},
): Promise<Ended> {
  const program = await workerProgram(answer);
  const campaign = new Campaign({
    jobs: 1,
    limitMs: 20_000,
    twiceEvery: 0,
    onFailure: async () => {},
    onRun: () => {},
    newWorker: () => new WorkerProcess(program),
    ...options,
  });
  await campaign.run(seeds(count));
  return { campaign, failures: campaign.failures.map(describeFailure) };
}

function describeFailure({ source, violation }: Failure): string {
  return `${source.type === 'seed' ? source.seed : source.file} ${violation.invariant}`;
}

describe('a campaign', () => {
  it('sums up what its runs did', async () => {
    const { campaign, failures } = await runCampaign('summary()', 3, { jobs: 2 });
    expect(failures).toEqual([]);
    expect(campaign.tally.summary(2_000)).toBe(
      '3 runs, 3.00 virtual hours, 21 operations, 15 messages, 30 events (10,000/s per process), 6 faults injected, 2 s',
    );
    expect(campaign.tally.sometimes()).toEqual(['sometimes: crash 3']);
  });

  it('keeps each violation with its seed, and goes on', async () => {
    const { failures } = await runCampaign(
      `summary(seed === 2 ? { invariant: 'i', detail: 'd' } : undefined)`,
      3,
    );
    expect(failures).toEqual(['2 i']);
  });

  it('takes a run that ends its process for a failure of that run', async () => {
    const { failures, campaign } = await runCampaign('seed === 2 ? process.exit(7) : summary()', 3);
    expect(failures).toEqual(['2 process-ended']);
    expect(campaign.failures[0]?.violation.detail).toContain('ended with 7');
    expect(campaign.tally.runs).toBe(3);
  });

  it('takes a run that never ends for a failure of that run, and ends its process', async () => {
    const { failures } = await runCampaign('seed === 2 ? (() => { for (;;); })() : summary()', 3, {
      limitMs: 2_000,
    });
    expect(failures).toEqual(['2 wall-clock']);
  });

  it('makes one in so many runs twice, and tells where two of them part', async () => {
    const answer = `task.type === 'trace'
      ? ['begin', 'in ' + process.pid]
      : { ...summary(), traceHash: seed === 3 ? String(process.pid) : 'h' }`;
    const { failures, campaign } = await runCampaign(answer, 4, { twiceEvery: 2 });
    expect(failures).toEqual(['3 determinism']);
    expect(campaign.failures[0]?.violation.detail).toMatch(
      /line 2 of 2 and 2, after\nbegin\n +one goes on: in \d+\n/,
    );
  });

  it('warns of rare things that never happened in many runs', async () => {
    const { campaign } = await runCampaign('summary()', ENOUGH_RUNS);
    const warnings = campaign.tally.sometimes().slice(1);
    for (const name of ['pause', 'exchange-repaired', 'tombstone-reaped', 'session-read'])
      expect(warnings).toContain(`WARNING: ${name} never happened in ${ENOUGH_RUNS} runs`);
    expect(warnings.join()).not.toContain('crash never');
  });

  it('ends what it runs when it is stopped, and counts nothing of it', async () => {
    const program = await workerProgram('(() => { for (;;); })()');
    const campaign: Campaign = new Campaign({
      jobs: 1,
      limitMs: 60_000,
      twiceEvery: 1,
      onFailure: async () => {},
      onRun: () => {},
      newWorker: () => new WorkerProcess(program),
    });
    const ended = campaign.run(seeds(5));
    campaign.stop();
    await ended;
    expect([campaign.tally.runs, campaign.failures.length]).toEqual([0, 0]);
  });
});

describe('the exit code', () => {
  it.each([
    [0, []],
    [1, ['acknowledged-write-lost']],
    [1, ['determinism']],
    [2, ['no-exception']],
    [2, ['process-ended']],
    [3, ['progress']],
    [3, ['wall-clock']],
    [1, ['progress', 'no-exception', 'convergence']],
    [2, ['progress', 'process-ended']],
  ])('is %i for %j', (code, invariants) => {
    expect(exitCodeOf(invariants)).toBe(code);
  });
});
