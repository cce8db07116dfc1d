/**
 * A quiet cluster whose rounds go exactly as a scenario says: which home replica coordinates, and who hears of what. A, B and C of
 * the literature are p1, p2 and p3. A home replica that is not the first one is reached through a node that cannot reach those
 * before it. Everything happens within the time in which nobody finishes rounds of others.
 */
import { etagOf } from '../../../src/codec/hash.ts';
import { decodeMessage } from '../../../src/codec/message-codec.ts';
import type { PeerRequest } from '../../../src/core/message.ts';
import type { ConditionalOutcome } from '../../../src/core/outcome.ts';
import type { Condition } from '../../../src/core/paxos/conditional.ts';
import type { ConditionalOperation } from '../../../src/core/request.ts';
import { valueOf } from '../checkers/dots.ts';
import type { SimNode } from '../world/sim-cluster.ts';
import { demand } from './scenario.ts';
import { ENTRY, eventsOf, ScenarioCluster } from './scenario-cluster.ts';

/** Virtual milliseconds: one round, and not another one. */
const ROUND_MS = 150;
const PATIENT_MS = 5_000;

type Kind = PeerRequest['type'];

export interface Cas {
  /** An ETag; undefined: `If-None-Match: *`. */
  readonly ifMatch?: string | undefined;
  readonly id?: string;
  readonly firstAttempt?: boolean;
  readonly remove?: boolean;
  readonly timeoutMs?: number;
}

export class ConditionalStage {
  readonly cluster: ScenarioCluster;
  readonly p1: SimNode;
  readonly p2: SimNode;
  readonly p3: SimNode;
  #lost: readonly string[] = [];
  #awaited: { readonly answer: string; readonly onSent: () => void } | undefined;

  private constructor(cluster: ScenarioCluster) {
    this.cluster = cluster;
    this.p1 = cluster.p1;
    this.p2 = cluster.p2;
    this.p3 = cluster.p3;
  }

  static async start(): Promise<ConditionalStage> {
    const cluster = await ScenarioCluster.start({}, { antiEntropy: false });
    const { p1, p2, f1, f2, world } = cluster;
    const stage = new ConditionalStage(cluster);
    for (const [from, to] of [
      [f1, p1],
      [f2, p1],
      [f2, p2],
    ] as const) {
      cluster.cut(from, to);
      world.fabric.reset(from.id, to.id);
    }
    await cluster.settle();
    world.fabric.filter = ({ from, to, frame }) => stage.#isLost(from, to, frame);
    return stage;
  }

  /** Requests that are lost from now on, all others arrive: `paxos-accept p1>p2`, or `paxos-* p1>p2` for all of that kind. */
  lose(...requests: readonly string[]): void {
    this.#lost = requests.map((request) => this.#named(request));
  }

  /** Goes on until such an answer leaves: `paxos-prepare p2>p3` of p2. */
  untilAnswered(answer: string): Promise<void> {
    const sent = new Promise<void>((resolve) => {
      this.#awaited = { answer: this.#named(answer), onSent: resolve };
    });
    return this.cluster.world.runUntil(sent);
  }

  /** A conditional write that this home replica coordinates. */
  begin(coordinator: SimNode, event: number, cas: Cas = {}): Promise<ConditionalOutcome> {
    const { ifMatch, id = `w${event}`, firstAttempt = true, remove = false, timeoutMs = ROUND_MS } = cas;
    const condition: Condition =
      ifMatch === undefined ? { type: 'if-absent' } : { type: 'if-match', etags: new Set([ifMatch]) };
    return this.#ask(coordinator, timeoutMs, {
      type: 'write',
      condition,
      content: remove
        ? { type: 'tombstone' }
        : { type: 'value', contentType: 'text/plain', bytes: valueOf(event, 0) },
      identity: { id, firstAttempt, notBefore: undefined },
    });
  }

  write(coordinator: SimNode, event: number, cas: Cas = {}): Promise<ConditionalOutcome> {
    return this.cluster.world.runUntil(this.begin(coordinator, event, cas));
  }

  /** One that has to succeed. Answers its ETag. */
  async mustWrite(coordinator: SimNode, event: number, cas: Cas = {}): Promise<string> {
    const outcome = await this.write(coordinator, event, { timeoutMs: PATIENT_MS, ...cas });
    demand(outcome.type === 'written', `the write of ${event} ends in ${JSON.stringify(outcome)}`);
    demand(outcome.etag !== undefined, `the write of ${event} has no ETag`);
    return outcome.etag;
  }

  /** One of which its client hears nothing: it may take effect yet. */
  async mustStayUnknown(coordinator: SimNode, event: number, cas: Cas = {}): Promise<void> {
    const outcome = await this.write(coordinator, event, cas);
    const isUnknown = outcome.type === 'failed' && outcome.certainty === 'unknown';
    demand(isUnknown, `the write of ${event}, which one replica took, ends in ${JSON.stringify(outcome)}`);
  }

  beginRead(coordinator: SimNode, timeoutMs = PATIENT_MS): Promise<ConditionalOutcome> {
    return this.#ask(coordinator, timeoutMs, { type: 'read' });
  }

  /** A linearizable read that this home replica coordinates and that has to succeed: what is live. */
  async mustShow(coordinator: SimNode): Promise<readonly number[]> {
    const outcome = await this.cluster.world.runUntil(this.beginRead(coordinator));
    demand(outcome.type === 'read', `a linearizable read ends in ${JSON.stringify(outcome)}`);
    return eventsOf(outcome);
  }

  /** The ETag of what one replica alone shows to a plain read. */
  async etagAt(node: SimNode): Promise<string> {
    const outcome = await this.cluster.get(node, { r: 1 });
    demand(outcome.type === 'read' && outcome.record !== undefined, `${node.id} shows nothing`);
    return etagOf(outcome.record);
  }

  /** The ETag of what a linearizable read shows. */
  async etagOfWhatIsThere(coordinator: SimNode): Promise<string> {
    const outcome = await this.cluster.world.runUntil(this.beginRead(coordinator));
    demand(outcome.type === 'read' && outcome.record !== undefined, 'a linearizable read shows nothing');
    return etagOf(outcome.record);
  }

  #ask(
    coordinator: SimNode,
    timeoutMs: number,
    operation: ConditionalOperation,
  ): Promise<ConditionalOutcome> {
    const { p1, p2, f1, f2 } = this.cluster;
    const contact = coordinator === p1 ? p1 : coordinator === p2 ? f1 : f2;
    demand(contact.storageNode !== undefined, `${contact.id} does not run`);
    return contact.storageNode.conditional({ ...ENTRY, n: 3, timeoutMs, operation, returnRecord: false });
  }

  #isLost(from: string, to: string, frame: Uint8Array): boolean {
    if (this.#lost.length === 0 && this.#awaited === undefined) return false;
    const message = decodeMessage(frame);
    const link = `${from}>${to}`;
    if (message.type === 'reply' && this.#awaited?.answer === `${message.reply.type} ${link}`) {
      this.#awaited.onSent();
      this.#awaited = undefined;
    }
    if (message.type !== 'request') return false;
    const kind: Kind = message.request.type;
    return this.#lost.some(
      (lost) => lost === `${kind} ${link}` || (kind.startsWith('paxos-') && lost === `paxos-* ${link}`),
    );
  }

  #named(request: string): string {
    const { p1, p2, p3 } = this;
    return request.replaceAll(/p[123]/g, (name) => ({ p1, p2, p3 })[name as 'p1' | 'p2' | 'p3'].id);
  }
}
