/**
 * Compare-and-set on real nodes that are killed and stopped all the while, one after the other, while links between them break and
 * their clocks jump: the versions of each key are one chain, no answer is older than one before it, and what was said not to be
 * applied never appears. `QUORATE_NEMESIS_SECONDS` makes it longer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EntryBody } from '../../src/api/bodies.ts';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { seededDraw } from '../core/causality/seeded-draw.ts';
import { type FalseClocks, falseClocks } from './false-clocks.ts';
import { FaultPlan } from './nemesis/fault-plan.ts';
import { breakLinks } from './nemesis/link-faults.ts';
import { PlacedKeys } from './placed-keys.ts';
import { type ProcessCluster, startProcessCluster } from './process-cluster.ts';
import { NOTHING, VersionChain } from './version-chain.ts';

const SECONDS = Number(process.env['QUORATE_NEMESIS_SECONDS'] ?? 8);
const CLIENTS = 8;
const NODE_LIMIT_MS = 1_500;
const CLIENT_LIMIT_MS = 3_000;
const MAX_ATTEMPTS = 6;

interface Key {
  readonly target: string;
  readonly chain: VersionChain;
  /** The version that somebody saw last. */
  newest: string;
}

/** By which clocks are wrong, seconds: of some that nobody notices, and of some whose ballots are refused, or outdo all others. */
const CLOCK_OFFSETS = [-7_200, -90, -5, 2, 45, 1_800];

let cluster: ProcessCluster;
/** Undefined where clocks cannot be falsified. */
let clocks: FalseClocks | undefined;
let keys: readonly Key[];
const over = new AbortController();
let writes = 0;
beforeAll(async () => {
  clocks = await falseClocks();
  cluster = await startProcessCluster({
    ...{ nodes: 5, links: true, config: { buckets: { accounts: { mode: 'cas' } } } },
    environment: (node) => clocks?.environmentOf(node) ?? {},
  });
  const placed = await PlacedKeys.of(cluster);
  keys = ['accounts', 'mixed', 'mixed'].map((bucket) => ({
    target: placed.draw(bucket).target,
    chain: new VersionChain(),
    newest: NOTHING,
  }));
});
afterAll(async () => {
  await cluster?.close();
  await clocks?.close();
});

function drawn<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)] as Item;
}

/** A value names itself and what it is to replace. */
function showed(key: Key, etag: string, text: string, beganMs: number): void {
  const [value = '', parent = ''] = text.split(' ');
  key.chain.saw({ etag, value, parent, beganMs, endedMs: performance.now() });
  key.newest = etag;
}

/** Undefined: there was no answer. */
async function ask(key: Key, headers: Record<string, string>, body?: string): Promise<Answer | undefined> {
  const limits = { ...headers, 'Quorate-Timeout-Ms': String(NODE_LIMIT_MS) };
  const call = { headers: limits, limitMs: CLIENT_LIMIT_MS };
  try {
    const client = cluster.client(drawn(cluster.nodes));
    return await client.send(key.target, body === undefined ? call : { ...call, method: 'PUT', body });
  } catch {
    await sleep(20);
    return undefined;
  }
}

async function read(key: Key): Promise<void> {
  const beganMs = performance.now();
  const answer = await ask(key, { 'Quorate-Consistency': 'linearizable' });
  if (answer?.status === 200) showed(key, answer.headers.etag as string, answer.text, beganMs);
  if (answer?.status === 404) key.chain.sawNothing(beganMs, performance.now());
  if (answer !== undefined) expect(answer.status).toBeOneOf([200, 404, 503, 504]);
}

/** Sent again under its id as long as it is unknown, or given up. */
async function write(key: Key): Promise<void> {
  writes += 1;
  const parent = key.newest;
  const value = `write-${writes}`;
  const condition: Record<string, string> =
    parent === NOTHING ? { 'If-None-Match': '*' } : { 'If-Match': parent };
  const shared = {
    ...condition,
    Prefer: 'return=representation',
    'Quorate-Write-Id': value,
    'Content-Type': 'text/plain',
  };
  const beganMs = performance.now();
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const first = attempt === 1;
    const sentMs = performance.now();
    const answer = await ask(
      key,
      first ? { ...shared, 'Quorate-Attempt': '1' } : shared,
      `${value} ${parent}`,
    );
    if (answer !== undefined && answer.status < 300) {
      showed(key, answer.headers.etag as string, `${value} ${parent}`, beganMs);
      return;
    }
    if (answer?.status === 412) showInstead(key, answer, sentMs);
    const isSettled = answer !== undefined && problemIn(answer).outcome === 'not-applied';
    if (isSettled) key.chain.refused(value);
    if (isSettled) return;
  }
}

/** A lost race is a read. */
function showInstead(key: Key, answer: Answer, beganMs: number): void {
  const entry = problemIn(answer)['entry'] as EntryBody | undefined;
  for (const sibling of entry?.siblings ?? []) {
    if ('text' in sibling) showed(key, answer.headers.etag as string, sibling.text, beganMs);
  }
}

async function work(): Promise<void> {
  while (!over.signal.aborted) await (Math.random() < 0.4 ? read : write)(drawn(keys));
}

async function breakNodes(): Promise<void> {
  while (!over.signal.aborted) {
    await sleep(500 + Math.random() * 1_000);
    const node = drawn(cluster.nodes);
    const isKilled = Math.random() < 0.5;
    if (isKilled) await cluster.kill9(node);
    else cluster.stop(node);
    await sleep(300 + Math.random() * 1_500);
    if (isKilled) cluster.start(node);
    else cluster.cont(node);
    await cluster.waitReady();
  }
}

/** For some seconds at a time, and whole for as long: with two kinds of faults at once a key has no quorum for most of the time. */
async function breakSomeLinks(): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const options = { nodes: cluster.nodes, smallDiskNode: undefined, canFailWrites: false };
  const plan = new FaultPlan(options, seededDraw(seed));
  while (!over.signal.aborted) {
    for (const fault of plan.next().links) {
      if (over.signal.aborted) return;
      await breakLinks(cluster, fault);
      await sleep(fault.forMs);
    }
  }
}

async function falsifyClocks(falsified: FalseClocks): Promise<void> {
  while (!over.signal.aborted) {
    const node = drawn(cluster.nodes);
    falsified.set(node, drawn(CLOCK_OFFSETS));
    await sleep(2_000 + Math.random() * 4_000);
    falsified.set(node, 0);
    await sleep(Math.random() * 2_000);
  }
}

it('keeps the versions of a key in one chain', { timeout: SECONDS * 1_000 + 120_000 }, async () => {
  const faults = [breakNodes(), breakSomeLinks(), ...(clocks === undefined ? [] : [falsifyClocks(clocks)])];
  const working = Promise.all([...faults, ...Array.from({ length: CLIENTS }, work)]);
  await Promise.race([working, sleep(SECONDS * 1_000)]);
  over.abort();
  await working;
  await cluster.eventually('all answer', () => Promise.all(keys.map(settle)));
  for (const { chain } of keys) expect(chain.judge()).toEqual([]);
  // Else it was no trial.
  for (const { chain } of keys) expect(chain.length).toBeGreaterThan(SECONDS / 4);
});

async function settle(key: Key): Promise<void> {
  const beganMs = performance.now();
  const answer = await ask(key, { 'Quorate-Consistency': 'linearizable' });
  expect(answer?.status).toBe(200);
  showed(key, answer?.headers.etag as string, answer?.text ?? '', beganMs);
}
