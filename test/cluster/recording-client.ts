/**
 * Reads and writes over HTTP, each written down with what came back. A write goes to one node after the other only where that
 * is safe: if a node did not take the connection, or under a write id. What is not known to be applied or not, stays unknown.
 *
 * Deletions always have the context of a read: what one without a context has seen, its client does not learn, and the
 * simulation, which looks inside, covers those.
 */
import type { EntryBody } from '../../src/api/bodies.ts';
import { ENTRY_MEDIA_TYPE } from '../../src/api/headers.ts';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import type { ProcessCluster } from './process-cluster.ts';
import { eventIn, type RecordedRun, type RecordedWrite, type Sight, valueOf } from './recorded-run.ts';

const N = 3;
/** Milliseconds. Long enough for a busy machine, short enough to go on soon after a node was killed. */
const TIMEOUT_MS = 3_000;
/** A node that is stopped answers no more in time: the client gives up, and does not know. */
const PATIENCE_MS = TIMEOUT_MS + 1_000;
/** After a connection failed, before the client sends anything else. */
const PAUSE_MS = 50;

export interface WriteOperation {
  readonly key: string;
  readonly type: 'put' | 'delete';
  /** Where the context comes from; a deletion needs one. */
  readonly seen: Sight | undefined;
  readonly w: number;
  /** Asked one after the other, as long as that is safe and needed. */
  readonly nodes: readonly string[];
  readonly hasWriteId: boolean;
  /** Bytes of filler in the value. */
  readonly bytes: number;
}

type Attempt =
  | { readonly type: 'answer'; readonly answer: Answer }
  /** No node took the connection. */
  | { readonly type: 'not-sent' }
  | { readonly type: 'no-answer' };

export class RecordingClient {
  readonly #cluster: ProcessCluster;
  readonly #run: RecordedRun;

  constructor(cluster: ProcessCluster, run: RecordedRun) {
    this.#cluster = cluster;
    this.#run = run;
  }

  /** What a key shows; undefined if no such answer came. The first of the nodes that takes the connection is asked. */
  async read(key: string, nodes: readonly string[], r: number): Promise<Sight | undefined> {
    const id = this.#run.nextId();
    const calledAt = this.#run.next();
    for (const node of nodes) {
      const headers = { Accept: ENTRY_MEDIA_TYPE, 'Quorate-R': String(r) };
      const attempt = await this.#send(node, key, { method: 'GET', headers });
      if (attempt.type === 'not-sent') continue;
      const sight = attempt.type === 'answer' ? this.#sightOf(key, attempt.answer) : undefined;
      if (sight === undefined || attempt.type !== 'answer') break;
      const isSloppy = countedFallback(attempt.answer);
      this.#run.reads.push({ id, key, n: N, r, calledAt, isSloppy, sight });
      return sight;
    }
    this.#run.failedReads += 1;
    return undefined;
  }

  /** What the writer has seen then, if the write was acknowledged. */
  async write(operation: WriteOperation): Promise<Sight | undefined> {
    const { key, type, seen, w, bytes, nodes, hasWriteId } = operation;
    const write = this.#run.begin({ key, type, seen, w, bytes, n: N });
    let mayBeApplied = false;
    for (const node of nodes) {
      const attempt = await this.#attempt(write, node, hasWriteId);
      if (attempt.type === 'not-sent') continue;
      if (attempt.type === 'answer' && attempt.answer.status < 300) return this.#wrote(write, attempt.answer);
      const isUnknown = attempt.type === 'no-answer' || problemIn(attempt.answer).outcome === 'unknown';
      mayBeApplied ||= isUnknown;
      if (!isUnknown || !hasWriteId) break;
    }
    this.#run.settle(write, mayBeApplied ? 'unknown' : 'not-applied');
    return undefined;
  }

  async #attempt(write: RecordedWrite, node: string, hasWriteId: boolean): Promise<Attempt> {
    const { id, key, type, seen, w } = write;
    const headers: Record<string, string> = { 'Quorate-W': String(w), 'Content-Type': 'text/plain' };
    if (seen?.token !== undefined) headers['Quorate-Context'] = seen.token;
    if (hasWriteId) headers['Quorate-Write-Id'] = `write-${id}`;
    if (hasWriteId && write.attemptsById === 0) headers['Quorate-Attempt'] = '1';
    const call = type === 'put' ? { method: 'PUT', body: valueOf(write) } : { method: 'DELETE' };
    const attempt = await this.#send(node, key, { ...call, headers });
    if (hasWriteId && attempt.type !== 'not-sent') write.attemptsById += 1;
    return attempt;
  }

  /** The context of the answer is the client's own and exactly one dot more: that of this write. */
  #wrote(write: RecordedWrite, answer: Answer): Sight {
    const recorded = write;
    recorded.isSloppy = countedFallback(answer);
    const { headers } = answer;
    const { id, key, seen } = write;
    const token = String(headers['quorate-context']);
    const before = seen?.token === undefined ? [] : this.#run.dotsIn(key, seen.token);
    const after = this.#run.dotsIn(key, token);
    const added = after.filter((dot) => !before.includes(dot));
    const [dot] = added;
    if (dot === undefined || added.length > 1 || after.length !== before.length + 1) {
      const detail = `the answer to write ${id} of ${key} has ${added.length} new dots and ${after.length} in all, its context had ${before.length}`;
      this.#run.violations.push({ invariant: 'over-covering-context', detail });
    } else this.#run.learnDot(key, dot, id);
    this.#run.settle(write, 'ok');
    return { token, at: write.returnedAt ?? 0, events: [id], tombstones: [], isDeleted: false };
  }

  /** Undefined for a failure. */
  #sightOf(key: string, { status, headers, text }: Answer): Sight | undefined {
    const at = this.#run.next();
    if (status === 404) {
      const token = headers['quorate-context'] as string | undefined;
      return { token, at, events: [], tombstones: [], isDeleted: token !== undefined };
    }
    if (status !== 200) return undefined;
    const { context, siblings } = JSON.parse(text) as EntryBody;
    const events: number[] = [];
    const tombstones: string[] = [];
    for (const sibling of siblings) {
      if (!('text' in sibling)) tombstones.push(sibling.id);
      else events.push(this.#eventOf(key, sibling.id, sibling.text));
    }
    return { token: context, at, events, tombstones, isDeleted: false };
  }

  #eventOf(key: string, dot: string, value: string): number {
    const event = eventIn(value);
    const write = this.#run.writes.get(event);
    if (write === undefined || value !== valueOf(write)) {
      const detail = `${key} shows ${value.slice(0, 80)}, which nobody wrote like this`;
      this.#run.violations.push({ invariant: 'invented-value', detail });
    }
    this.#run.learnDot(key, dot, event);
    return event;
  }

  async #send(
    node: string,
    key: string,
    { headers, ...call }: { method: string; headers: Record<string, string>; body?: string },
  ): Promise<Attempt> {
    try {
      const answer = await this.#cluster.client(node).send(`/v1/kv/${this.#run.bucket}/${key}`, {
        ...call,
        headers: { ...headers, 'Quorate-Timeout-Ms': String(TIMEOUT_MS) },
        limitMs: PATIENCE_MS,
      });
      return { type: 'answer', answer };
    } catch (error) {
      const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      await pause();
      return { type: isRefused ? 'not-sent' : 'no-answer' };
    }
  }
}

function countedFallback({ headers }: Answer): boolean {
  return String(headers['quorate-quorum']).includes('sloppy=?1');
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
