/**
 * A plan in a file: what a seed meant when it failed. A seed means nothing any more once plans are drawn differently; the plan
 * itself still does.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RunPlan } from './plan.ts';

const FORMAT = 'quorate simulation plan 1';

/** A plan, and the invariant that failed when it was written down. */
export interface StoredPlan {
  readonly plan: RunPlan;
  readonly invariant: string | undefined;
}

/** Makes the directory, too, if it is not there. */
export async function writePlan(file: string, { plan, invariant }: StoredPlan): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ format: FORMAT, invariant, ...plan }, null, 1)}\n`);
}

/** Rejects with a sentence if the file is not there or holds something else. */
export async function readPlan(file: string): Promise<StoredPlan> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  });
  const { format, invariant, ...plan } = parse(file, text);
  if (format !== FORMAT) throw new Error(`${file} does not hold a "${FORMAT}"`);
  return { plan: completed(plan as unknown as RunPlan), invariant: invariant as string | undefined };
}

/** A plan that was written down before there were sloppy quorums has none, all repairs, and no reads of all replicas. */
function completed({ options, operations, ...rest }: RunPlan): RunPlan {
  const repairs = { readRepair: true, handoff: true, antiEntropy: true, askAllShare: 0 };
  return {
    ...rest,
    options: { ...options, repairs: { ...repairs, ...options.repairs } },
    operations: operations.map((operation) => ({ ...operation, sloppy: operation.sloppy ?? false })),
  };
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
