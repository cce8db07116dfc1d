/**
 * Clients that read, create, replace, delete and, where that is allowed, plainly write a few keys, all of them by what anyone saw
 * last. What they were told is recorded with the key.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntryBody } from '../../src/api/bodies.ts';
import { ENTRY_MEDIA_TYPE } from '../../src/api/headers.ts';
import { type Answer, problemIn } from '../server/http/http-client.ts';
import { eventsIn, isDeletion, type ObjectRequest } from '../sim/linearizability/object-history.ts';
import { NOTHING_SHOWN, nameIn, ObjectRecord, type Shown, shownIn } from './object-record.ts';
import type { ProcessCluster } from './process-cluster.ts';
import { type Draw, drawnFrom } from './random-load.ts';
import { NOTHING, VersionChain } from './version-chain.ts';

const NODE_LIMIT_MS = 1_500;
const CLIENT_LIMIT_MS = 3_000;
const MAX_ATTEMPTS = 6;
/** After a connection failed, before the client sends anything else. */
const PAUSE_MS = 20;

/** `chain`: no deletions, so its versions are one chain. `deleted`: conditional writes only. `shared`: plain ones, too. */
export type KeyKind = 'chain' | 'deleted' | 'shared';

export class ConditionalKey {
  readonly record = new ObjectRecord();
  readonly chain = new VersionChain();
  /** What somebody saw last. */
  newest: Shown = NOTHING_SHOWN;
  readonly target: string;
  readonly kind: KeyKind;

  constructor(target: string, kind: KeyKind) {
    this.target = target;
    this.kind = kind;
  }

  /** What is wrong; nothing, if all is well. */
  judge(): readonly string[] {
    return [...this.record.judge(), ...(this.kind === 'chain' ? this.chain.judge() : [])];
  }
}

interface Write {
  readonly request: Exclude<ObjectRequest, { readonly type: 'read' }>;
  /** Version that it is to replace. */
  readonly parent: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class ConditionalLoad {
  readonly #cluster: ProcessCluster;
  readonly #draw: Draw;
  #writes = 0;

  constructor(cluster: ProcessCluster, draw: Draw) {
    this.#cluster = cluster;
    this.#draw = draw;
  }

  /** One operation of one client. */
  async operate(key: ConditionalKey): Promise<void> {
    const percent = this.#draw(100);
    if (percent < 30) await this.read(key);
    else if (percent < 55 && key.kind === 'shared') await this.#writePlainly(key);
    else await this.#write(key, this.#conditional(key, percent >= 80));
  }

  /** Answers whether the key was read. */
  async read(key: ConditionalKey): Promise<boolean> {
    const beganMs = performance.now();
    const calledAt = key.record.call();
    const answer = await this.#ask(key, {
      headers: { 'Quorate-Consistency': 'linearizable', Accept: ENTRY_MEDIA_TYPE },
    });
    if (answer === undefined || answer.status > 500) return false;
    if (answer.status === 200) this.#showed(key, JSON.parse(answer.text) as EntryBody, { calledAt, beganMs });
    else if (answer.status === 404) this.#showed(key, undefined, { calledAt, beganMs });
    else throw new Error(`a read was answered with ${answer.status}: ${answer.text}`);
    return true;
  }

  #conditional(key: ConditionalKey, wantsDeletion: boolean): Write {
    const { etag, state } = key.newest;
    this.#writes += 1;
    if (etag === undefined) {
      const request = { type: 'create', event: `${this.#writes}` } as const;
      return { request, parent: NOTHING, headers: { 'If-None-Match': '*' } };
    }
    const isDeleting = wantsDeletion && key.kind !== 'chain';
    const event = `${isDeleting ? '-' : ''}${this.#writes}`;
    const request = { type: 'replace', expected: state, event } as const;
    return { request, parent: etag, headers: { 'If-Match': etag } };
  }

  /** Sent again under its id as long as it is unknown, or given up. */
  async #write(key: ConditionalKey, write: Write): Promise<void> {
    const { request, parent } = write;
    const name = request.event;
    const headers = {
      ...write.headers,
      Prefer: 'return=representation',
      'Quorate-Write-Id': `write${name}`,
      'Content-Type': 'text/plain',
    };
    const call = isDeletion(name) ? { method: 'DELETE' } : { method: 'PUT', body: `${name} ${parent}` };
    const [beganMs, calledAt] = [performance.now(), key.record.call()];
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const [sentMs, sentAt] = [performance.now(), key.record.call()];
      const first: Record<string, string> = attempt === 1 ? { 'Quorate-Attempt': '1' } : {};
      const answer = await this.#ask(key, { ...call, headers: { ...headers, ...first } });
      if (answer !== undefined && answer.status < 300) {
        key.record.wrote(calledAt, request);
        this.#left(key, answer, { name, parent, beganMs });
        return;
      }
      if (answer?.status === 412)
        this.#showedInstead(key, answer, { calledAt: sentAt, beganMs: sentMs, refused: request }, parent);
      if (answer !== undefined && problemIn(answer).outcome === 'not-applied') {
        key.chain.refused(name);
        return;
      }
    }
    key.record.mayHaveWritten(calledAt, request);
  }

  /** With what its client has seen, or as if it had seen nothing. Sent once: each time it would be another event. */
  async #writePlainly(key: ConditionalKey): Promise<void> {
    this.#writes += 1;
    const name = `${this.#writes}`;
    const { state, token } = key.newest;
    const hasSeen = token !== undefined && this.#draw(2) === 0;
    const headers = { 'Content-Type': 'text/plain', ...(hasSeen && { 'Quorate-Context': token }) };
    const replaces = new Set(hasSeen ? eventsIn(state) : []);
    const request = { type: 'plain', replaces, event: name } as const;
    const [beganMs, calledAt] = [performance.now(), key.record.call()];
    const answer = await this.#ask(key, { method: 'PUT', body: `${name} plain`, headers });
    if (answer !== undefined && answer.status >= 300 && problemIn(answer).outcome === 'not-applied') return;
    const isOrdered = String(answer?.headers['quorate-quorum']).includes('ordered=?1');
    if (isOrdered) key.record.wrote(calledAt, request);
    // Nothing is promised of when others see it.
    else key.record.mayHaveWritten(calledAt, request);
    if (answer !== undefined && answer.status < 300)
      this.#left(key, answer, { name, parent: 'plain', beganMs });
  }

  /** A write that was acknowledged has left its value, or nothing, unless others stand beside it. */
  #left(
    key: ConditionalKey,
    { headers }: Answer,
    { name, parent, beganMs }: { readonly name: string; readonly parent: string; readonly beganMs: number },
  ): void {
    const [etag, token] = [headers.etag, headers['quorate-context'] as string | undefined];
    if (isDeletion(name)) key.newest = { ...NOTHING_SHOWN, token };
    else if (etag !== undefined) {
      key.newest = { state: name, etag, token };
      key.record.learn(key.newest);
      key.chain.saw({ etag, value: name, parent, beganMs, endedMs: performance.now() });
    }
  }

  /**
   * A lost race is a read. What an earlier attempt was refused for may hold by now, and this one is refused all the same. So is one of
   * another ETag that stands for the same values: a deletion has come to stand beside them, or has gone, which no answer shows.
   */
  #showedInstead(
    key: ConditionalKey,
    answer: Answer,
    { refused, ...when }: Seen,
    expectedEtag: string,
  ): void {
    const { detail = '', entry } = problemIn(answer);
    const shown = entry === undefined ? NOTHING_SHOWN : shownIn(entry as EntryBody);
    const isOfSameValues =
      refused?.type === 'replace' && refused.expected === shown.state && shown.etag !== expectedEtag;
    const wasRefusedBefore = detail.startsWith('An earlier attempt of this write was refused');
    this.#showed(key, entry as EntryBody | undefined, {
      ...when,
      ...(!wasRefusedBefore && !isOfSameValues && refused !== undefined && { refused }),
    });
  }

  #showed(key: ConditionalKey, entry: EntryBody | undefined, { calledAt, beganMs, refused }: Seen): void {
    const shown = entry === undefined ? NOTHING_SHOWN : shownIn(entry);
    key.newest = shown.state === '' ? { ...shown, etag: undefined } : shown;
    key.record.saw(calledAt, shown, refused);
    const endedMs = performance.now();
    if (shown.etag === undefined) key.chain.sawNothing(beganMs, endedMs);
    else {
      for (const sibling of entry?.siblings ?? []) {
        if (!('text' in sibling)) continue;
        const [value, parent] = [nameIn(sibling.text), sibling.text.split(' ')[1] ?? ''];
        key.chain.saw({ etag: shown.etag, value, parent, beganMs, endedMs });
      }
    }
  }

  /** Undefined: there was no answer. */
  async #ask(
    key: ConditionalKey,
    call: {
      readonly method?: string;
      readonly body?: string;
      readonly headers: Readonly<Record<string, string>>;
    },
  ): Promise<Answer | undefined> {
    const headers = { ...call.headers, 'Quorate-Timeout-Ms': String(NODE_LIMIT_MS) };
    try {
      const client = this.#cluster.client(drawnFrom(this.#cluster.nodes, this.#draw));
      return await client.send(key.target, { ...call, headers, limitMs: CLIENT_LIMIT_MS });
    } catch {
      await sleep(PAUSE_MS);
      return undefined;
    }
  }
}

/** When something was shown, and to whom. */
interface Seen {
  readonly calledAt: number;
  readonly beganMs: number;
  /** What was refused with it. */
  readonly refused?: ObjectRequest;
}
