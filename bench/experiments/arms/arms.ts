/**
 * The arms of the experiments: five ways in which users of this store change a value that others change too. All do the same: read
 * the list of ids that a key holds, add one of their own, write it back. They differ in what they do about the others.
 *
 * Each goes through the project's client, for what it does between an application and the nodes (routing, retries, pauses) is
 * part of what a user gets.
 *
 * E1 is a last-write-wins store as this one can be had: its client takes the newest of the siblings by the time at which they were
 * written, and its write supersedes what the read saw. A PUT without a context would come closer in words only: the store would
 * keep every version ever written as a sibling, up to its bound, where a store of that kind keeps the newest alone.
 */
import { connect, type Client } from '../../../src/client/connect.ts';
import type { Entry } from '../../../src/client/entry.ts';
import { lastWriteWins, type Resolver, unionBy } from '../../../src/client/resolve.ts';
import type { Transport } from '../../../src/client/transport.ts';
import type { RegisterRecord } from '../judging/register-record.ts';
import { compareAndSetLoop } from './compare-and-set-loop.ts';

export const ARM_IDS = ['E1', 'E2', 'E3', 'C1', 'C2'] as const;
export type ArmId = (typeof ARM_IDS)[number];

/** What is written. */
export type Ids = readonly string[];

export interface Arm {
  readonly id: ArmId;
  readonly title: string;
  /** For tables: what is done. */
  readonly text: string;
  /** Whether acknowledged updates may get lost by design. */
  readonly mayLose: boolean;
  /** Of compare-and-set: whether there is one version at a time, and every answer is recorded. */
  readonly isConditional: boolean;
}

export const ARMS: readonly Arm[] = [
  {
    id: 'E1',
    title: 'E1 last write wins',
    text: 'GET R=1, PUT W=1; of siblings the newest by its time is kept',
    ...{ mayLose: true, isConditional: false },
  },
  {
    id: 'E2',
    title: 'E2 merge, one replica',
    text: 'GET R=1, PUT W=1 with its context; siblings are merged',
    ...{ mayLose: false, isConditional: false },
  },
  {
    id: 'E3',
    title: 'E3 merge, quorum',
    text: 'GET R=2, PUT W=2 with its context; siblings are merged',
    ...{ mayLose: false, isConditional: false },
  },
  {
    id: 'C1',
    title: 'C1 compare-and-set',
    text: 'GET R=1, PUT If-Match; whoever loses goes on from what the 412 shows',
    ...{ mayLose: false, isConditional: true },
  },
  {
    id: 'C2',
    title: 'C2 compare-and-set, linearizable reads',
    text: 'linearizable GET, PUT If-Match (`update` with the consistency `linearizable`)',
    ...{ mayLose: false, isConditional: true },
  },
];

export function armOf(id: ArmId): Arm {
  const arm = ARMS.find((each) => each.id === id);
  if (arm === undefined) throw new Error(`there is no arm ${id}`);
  return arm;
}

/** How an arm is to reach the cluster. */
export interface ArmSetup {
  /** Nodes that are asked. */
  readonly urls: readonly string[];
  /** `ring`: those that hold the key first, and others of the cluster, too. `round-robin`: only those given. */
  readonly routing: 'ring' | 'round-robin';
  readonly bucket: string;
  readonly transport: Transport;
  /** Of one update with all its rounds. */
  readonly timeoutMs: number;
}

/** Adds an id to the value of a key. Rejects with a QuorateError, which says whether it may have been added all the same. */
export type Update = (key: string, id: string) => Promise<void>;

/** The updates of an arm. Those of compare-and-set are recorded. */
export function updateBy(id: ArmId, setup: ArmSetup, record: RegisterRecord): Update {
  const client = connect({ nodes: setup.urls, routing: setup.routing, transport: setup.transport });
  if (armOf(id).isConditional) return conditionalUpdate(id, client, setup, record);
  const consistency = id === 'E3' ? 'quorum' : 'one';
  const bucket = client.bucket<Ids>(setup.bucket, { resolve: resolverOf(id), consistency });
  const { timeoutMs } = setup;
  return async (key, added) => {
    await bucket.update(key, (ids = []) => [...ids, added], { timeoutMs });
  };
}

/** What an arm makes of siblings; compare-and-set never makes any. */
export function resolverOf(id: ArmId): Resolver<Ids> {
  return id === 'E1' ? lastWriteWins : unionBy<string>((each) => each);
}

function conditionalUpdate(
  id: ArmId,
  client: Client,
  { bucket: name, timeoutMs }: ArmSetup,
  record: RegisterRecord,
): Update {
  const bucket = client.bucket<Ids>(name);
  return async (key, added) => {
    const recorded = record.begin(key);
    try {
      if (id === 'C1') {
        await compareAndSetLoop(bucket, key, timeoutMs, (entry, by) => {
          recorded.shown(idsOf(entry), by);
          return [...idsOf(entry), added];
        });
      } else {
        const change = (_: readonly Ids[], entry: Entry<Ids>): Ids => {
          recorded.shown(idsOf(entry), 'linearizable');
          return [...idsOf(entry), added];
        };
        await bucket.update(key, change, { consistency: 'linearizable', timeoutMs });
      }
      recorded.wrote(added, 'ok');
    } catch (error) {
      if ((error as { readonly outcome?: string }).outcome === 'unknown') recorded.wrote(added, 'unknown');
      throw error;
    }
  };
}

function idsOf(entry: Entry<Ids>): Ids {
  if (entry.type === 'conflict') throw new Error('compare-and-set left siblings');
  return entry.type === 'found' ? entry.value : [];
}
