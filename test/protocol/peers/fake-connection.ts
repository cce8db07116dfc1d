/** A connection without a network, and a member without a node: for what one side of a connection does by itself. */
import {
  decodeMessage,
  encodeMessage,
  type PeerMessage,
  PROTOCOL_VERSION,
} from '../../../src/codec/message-codec.ts';
import { proveSecret } from '../../../src/codec/hello-proof.ts';
import type { ConfigurationEpoch, Incarnation, NodeId, StoreId } from '../../../src/core/ids.ts';
import type { Hello } from '../../../src/core/message.ts';
import type { Connection, ConnectionHandlers } from '../../../src/ports/network.ts';
import type { TraceEvent } from '../../../src/ports/tracer.ts';
import { StoreMemory } from '../../../src/protocol/peers/store-memory.ts';
import type { PeerOptions } from '../../../src/protocol/peers/peer-options.ts';

export interface FakeConnection extends Connection {
  queuedBytes: number;
  readonly sent: PeerMessage[];
  closed: string | undefined;
}

export function fakeConnection(): FakeConnection {
  const connection: FakeConnection = {
    remote: 'somewhere',
    queuedBytes: 0,
    sent: [],
    closed: undefined,
    send: (frame) => connection.sent.push(decodeMessage(new Uint8Array(frame))),
    close: (reason) => {
      connection.closed ??= reason;
    },
    reset: (reason) => connection.close(reason),
  };
  return connection;
}

/** What node `n1` of the cluster `sim` has, with a clock that stands still. */
export function peerOptions(): { readonly options: PeerOptions; readonly traces: TraceEvent[] } {
  const traces: TraceEvent[] = [];
  const clock = { nowMs: () => 0, wallMs: () => 0, setTimer: () => ({ cancel: () => {} }) };
  const tracer = { trace: (event: TraceEvent): unknown => traces.push(event) };
  const options: PeerOptions = {
    self: {
      cluster: 'sim',
      nodeId: 'n1' as NodeId,
      storeId: 'own'.padEnd(21, 'x').concat('A') as StoreId,
      incarnation: 'now'.padEnd(21, 'x').concat('A') as Incarnation,
      opening: 'now'.padEnd(21, 'x').concat('A') as Incarnation,
      openedAt: 0,
      earlier: { openings: [], unlistedUpTo: 0 },
      sequence: 0,
      lost: [],
      epoch: '0'.repeat(16) as ConfigurationEpoch,
      members: new Set(['n1', 'n2'] as NodeId[]),
      secret: '',
    },
    network: {
      listen: () => Promise.resolve(),
      connect: () => fakeConnection(),
      close: () => Promise.resolve(),
    },
    clock,
    random: { bytes: (length) => new Uint8Array(length), fraction: () => 0.5 },
    tracer,
    memory: new StoreMemory({
      clock,
      tracer,
      marks: new Map(),
      write: () => Promise.resolve(),
      onTold: () => {},
    }),
  };
  return { options, traces };
}

/** n2's hello to n1. */
const OTHER_HELLO: Hello = {
  cluster: 'sim',
  protocolVersion: PROTOCOL_VERSION,
  nodeId: 'n2',
  storeId: 'other'.padEnd(21, 'x').concat('A'),
  incarnation: 'then'.padEnd(21, 'x').concat('A'),
  epoch: '0'.repeat(16),
  nonce: new Uint8Array(16).fill(2),
  opening: 'then'.padEnd(21, 'x').concat('A'),
  openedAt: 0,
  earlier: { openings: [], unlistedUpTo: 0 },
  lost: [],
  remembered: undefined,
};

/** Goes through the handshake as n2, the dialer. */
export function shakeHands(connection: FakeConnection, handlers: ConnectionHandlers): void {
  handlers.onFrame(encodeMessage({ type: 'hello', hello: OTHER_HELLO, proof: undefined }));
  const answer = connection.sent.find((message) => message.type === 'hello');
  if (answer === undefined) throw new Error('the hello was not answered');
  const proof = proveSecret('', 'dialer', { dialer: OTHER_HELLO, listener: answer.hello });
  handlers.onFrame(encodeMessage({ type: 'proof', proof }));
}

/** Answers the hello of the dialer, n1, as n2. */
export function greetDialer(connection: FakeConnection, handlers: ConnectionHandlers): void {
  handlers.onOpen?.();
  const said = connection.sent.find((message) => message.type === 'hello');
  if (said === undefined) throw new Error('no hello was said');
  const proof = proveSecret('', 'listener', { dialer: said.hello, listener: OTHER_HELLO });
  handlers.onFrame(encodeMessage({ type: 'hello', hello: OTHER_HELLO, proof }));
}
