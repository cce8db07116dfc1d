/**
 * Races to create a key, again and again: 64 clients through all nodes, of whom exactly one creates it, and all others are told who.
 * `QUORATE_RACES` says how many races; thousands take minutes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../server/http/http-client.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';

const RACES = Number(process.env['QUORATE_RACES'] ?? 60);
const CLIENTS = 64;
/** Milliseconds that one race may take, at the very most. */
const RACE_MS = 2_000;
const BUCKETS = ['mixed', 'accounts'];

let cluster: ProcessCluster;
beforeAll(async () => {
  cluster = await startProcessCluster({ nodes: 5, config: { buckets: { accounts: { mode: 'cas' } } } });
});
afterAll(() => cluster?.close());

async function race(target: string): Promise<readonly Answer[]> {
  return Promise.all(
    Array.from({ length: CLIENTS }, (_, index) => {
      const through = cluster.client(cluster.nodes[index % cluster.nodes.length] as string);
      return through.put(target, `by ${index}`, { 'If-None-Match': '*' });
    }),
  );
}

/** What a race must not have: anything but one winner, and its entity tag in all other answers. */
function wrongIn(answers: readonly Answer[]): string | undefined {
  const winners = answers.filter(({ status }) => status === 201);
  if (winners.length !== 1) return `${winners.length} of ${answers.length} have created it`;
  const etag = winners[0]?.headers.etag;
  const others = answers.filter(({ status, headers }) => status === 412 && headers.etag === etag);
  const told = others.length + winners.length;
  return told === answers.length ? undefined : `${answers.length - told} were told something else`;
}

describe('a race to create a key', () => {
  it(
    `has one winner, ${RACES} times`,
    async () => {
      for (let number = 0; number < RACES; number += 1) {
        const target = `/v1/kv/${BUCKETS[number % BUCKETS.length]}/race-${number}`;
        const answers = await race(target);
        expect([target, wrongIn(answers)]).toEqual([target, undefined]);
        const winner = answers.findIndex(({ status }) => status === 201);
        const reader = cluster.client(cluster.nodes[number % cluster.nodes.length] as string);
        const read = await reader.get(target, { 'Quorate-Consistency': 'linearizable' });
        expect([target, read.text]).toEqual([target, `by ${winner}`]);
      }
    },
    60_000 + RACES * RACE_MS,
  );
});
