/**
 * A member that does what a test tells it, and nothing of its own: it takes connections, says hello as it is told to, and
 * sends messages or any bytes. For what no node of ours would send.
 */
import { proveSecret } from '../../../src/codec/hello-proof.ts';
import {
  decodeMessage,
  encodeMessage,
  type PeerMessage,
  PROTOCOL_VERSION,
} from '../../../src/codec/message-codec.ts';
import { configurationEpoch } from '../../../src/codec/hash.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { Hello, PeerReply, PeerRequest } from '../../../src/core/message.ts';
import type { Connection, ConnectionHandlers, Network } from '../../../src/ports/network.ts';
import { Life } from '../../sim/world/life.ts';
import type { Stage } from '../stage.ts';

export interface Script {
  /** What its hello says otherwise than a good member's. */
  readonly hello?: Partial<Hello>;
  readonly secret?: string;
  /** Whether it answers a hello by itself. */
  readonly greets?: boolean;
}

export class ScriptedPeer {
  readonly id: string;
  readonly life: Life;
  /** Connections that nodes opened to it, in order. */
  readonly inbound: ScriptedConnection[] = [];
  readonly #stage: Stage;
  readonly #network: Network;
  script: Script;

  constructor(stage: Stage, id: string, script: Script = {}) {
    this.id = id;
    this.script = script;
    this.#stage = stage;
    this.life = new Life(`${id}#scripted${stage.countProcess()}`, () => {});
    this.#network = stage.world.fabric.networkOf(id as NodeId, this.life);
  }

  /** Takes connections from now on. */
  async listen(): Promise<this> {
    await this.#network.listen((connection) => {
      const scripted = new ScriptedConnection(this, connection);
      this.inbound.push(scripted);
      return scripted.handlers;
    });
    return this;
  }

  /** Opens a connection to a node, and says nothing yet. */
  async dial(node: string): Promise<ScriptedConnection> {
    const scripted: ScriptedConnection = new ScriptedConnection(this);
    scripted.connection = this.#network.connect(node as NodeId, scripted.handlers);
    await this.#stage.until(() => scripted.isOpen);
    return scripted;
  }

  /** Opens a connection and goes through the handshake. */
  async connect(node: string): Promise<ScriptedConnection> {
    const scripted = await this.dial(node);
    scripted.sayHello();
    await this.#stage.until(() => scripted.received.length > 0 || scripted.closed !== undefined);
    scripted.proveSecret();
    return scripted;
  }

  /** The newest connection from a node, when it has come. */
  async accepted(): Promise<ScriptedConnection> {
    await this.#stage.until(() => this.inbound.some(({ closed }) => closed === undefined));
    return this.inbound.findLast(({ closed }) => closed === undefined) as ScriptedConnection;
  }

  helloMessage(): Hello {
    const { config } = this.#stage;
    return {
      cluster: config.cluster,
      protocolVersion: PROTOCOL_VERSION,
      nodeId: this.id,
      storeId: `${this.id}-store`.padEnd(21, 'x').concat('A'),
      incarnation: `${this.id}-incarnation`.padEnd(21, 'x').concat('A'),
      epoch: configurationEpoch(config),
      nonce: new Uint8Array(16).fill(7),
      opening: `${this.id}-incarnation`.padEnd(21, 'x').concat('A'),
      openedAt: 0,
      earlier: { openings: [], unlistedUpTo: 0 },
      lost: [],
      remembered: undefined,
      ...this.script.hello,
    };
  }
}

export class ScriptedConnection {
  readonly received: PeerMessage[] = [];
  readonly handlers: ConnectionHandlers;
  readonly #peer: ScriptedPeer;
  readonly #own: Hello;
  connection: Connection | undefined;
  /** What its replies say of its store. */
  sequence = 0;
  isOpen = false;
  /** Why it was closed, once it was. */
  closed: string | undefined;
  /** What it does with each request. */
  onRequest: (id: number, request: PeerRequest) => void = () => {};

  constructor(peer: ScriptedPeer, connection?: Connection) {
    this.#peer = peer;
    this.#own = peer.helloMessage();
    this.connection = connection;
    this.handlers = {
      onOpen: () => {
        this.isOpen = true;
      },
      onFrame: (frame) => this.#receive(decodeMessage(new Uint8Array(frame))),
      onClose: (reason) => {
        this.closed = reason;
      },
    };
  }

  send(message: PeerMessage): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(frame: Uint8Array): void {
    this.connection?.send(frame);
  }

  request(id: number, request: PeerRequest): void {
    this.send({ type: 'request', id, request });
  }

  reply(id: number, reply: PeerReply): void {
    this.send({ type: 'reply', id, sequence: this.sequence, reply });
  }

  /** The replies that came, with their numbers. */
  get replies(): readonly { readonly id: number; readonly reply: PeerReply }[] {
    return this.received.flatMap((message) => (message.type === 'reply' ? [message] : []));
  }

  sayHello(): void {
    this.send({ type: 'hello', hello: this.#own, proof: undefined });
  }

  /** As the dialer, after the listener's hello. */
  proveSecret(): void {
    const listener = this.received.find((message) => message.type === 'hello')?.hello;
    if (listener === undefined) return;
    const proof = proveSecret(this.#secret, 'dialer', { dialer: this.#own, listener });
    this.send({ type: 'proof', proof });
  }

  /** As the listener, after the dialer's hello. */
  greet(): void {
    const dialer = this.received.find((message) => message.type === 'hello')?.hello;
    if (dialer === undefined) throw new Error('nobody said hello');
    const proof = proveSecret(this.#secret, 'listener', { dialer, listener: this.#own });
    this.send({ type: 'hello', hello: this.#own, proof });
  }

  get #secret(): string {
    return this.#peer.script.secret ?? '';
  }

  #receive(message: PeerMessage): void {
    this.received.push(message);
    if (message.type === 'hello' && !this.isOpen && this.#peer.script.greets !== false) this.greet();
    if (message.type === 'request') this.onRequest(message.id, message.request);
  }
}
