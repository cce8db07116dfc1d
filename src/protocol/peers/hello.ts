/**
 * Whether two nodes may talk at all. Both sides say who they are before anything else:
 *
 *   dialer -> listener   hello
 *   listener -> dialer   hello, with its proof of the shared secret
 *   dialer -> listener   proof; requests may follow at once
 *
 * A peer of another cluster, protocol version or configuration epoch is refused: nodes that disagree about placement would
 * count quorums of different replicas.
 */
import { type Handshake, isProof, proveSecret } from '../../codec/hello-proof.ts';
import { PROTOCOL_VERSION } from '../../codec/message-codec.ts';
import type { ConfigurationEpoch, Incarnation, NodeId, StoreId } from '../../core/ids.ts';
import type { OpeningList, StoreMark } from '../../core/membership/store-mark.ts';
import type { Hello } from '../../core/message.ts';
import type { Random } from '../../ports/random.ts';

const NONCE_BYTES = 16;

/** Who this node is, and whom it talks to. */
export interface LocalIdentity {
  readonly cluster: string;
  readonly nodeId: NodeId;
  readonly storeId: StoreId;
  readonly incarnation: Incarnation;
  /** The incarnation that this process began with. */
  readonly opening: Incarnation;
  /** The sequence number that the store had reached when it was opened, and the one that it has reached now. */
  readonly openedAt: number;
  readonly sequence: number;
  /** Openings of the store before this process. */
  readonly earlier: OpeningList;
  /** Stores of this node that lost something, and whose place the store has taken. */
  readonly lost: readonly StoreId[];
  readonly epoch: ConfigurationEpoch;
  /** Members, this node included. */
  readonly members: ReadonlySet<NodeId>;
  /** Empty if the cluster has none. */
  readonly secret: string;
}

/** Why a peer is not talked to. */
export interface HelloRefusal {
  readonly reason: string;
  /** Set if it has another configuration. */
  readonly theirEpoch?: ConfigurationEpoch;
  /** Set if it is a second process of a store, or of a node, whose first one lives. */
  readonly isClone?: boolean;
}

/** `remembered`: what this node remembers of the other side's store. */
export function helloOf(self: LocalIdentity, random: Random, remembered: StoreMark | undefined): Hello {
  const { cluster, nodeId, storeId, incarnation, epoch, opening, openedAt, earlier, lost } = self;
  return {
    cluster,
    nodeId,
    storeId,
    incarnation,
    epoch,
    protocolVersion: PROTOCOL_VERSION,
    nonce: random.bytes(NONCE_BYTES),
    opening,
    openedAt,
    earlier,
    lost,
    remembered,
  };
}

/** Undefined if the peer is one to talk to. `expected` is the node that was dialed, if this side dialed. */
export function refuseHello(self: LocalIdentity, hello: Hello, expected?: NodeId): HelloRefusal | undefined {
  const { cluster, nodeId, epoch } = hello;
  const refuse = (reason: string): HelloRefusal => ({ reason });
  if (hello.protocolVersion !== PROTOCOL_VERSION) {
    return refuse(`it speaks protocol version ${hello.protocolVersion}, this node ${PROTOCOL_VERSION}`);
  }
  if (hello.nonce.length !== NONCE_BYTES) return refuse(`its nonce is not ${NONCE_BYTES} bytes long`);
  if (cluster !== self.cluster) {
    return refuse(`it belongs to the cluster "${cluster}", this node to "${self.cluster}"`);
  }
  if (expected !== undefined && nodeId !== expected) {
    return refuse(
      `"${nodeId}" answers where "${expected}" was looked for: check the addresses of the configuration`,
    );
  }
  if (!self.members.has(nodeId as NodeId)) return refuse(`"${nodeId}" is no member of this cluster`);
  if (nodeId === self.nodeId) return refuse(`it says that it is "${nodeId}", which is this node`);
  if (hello.storeId === self.storeId) {
    return refuse(`"${nodeId}" runs on a copy of this node's data directory; give it an empty one`);
  }
  if (epoch !== self.epoch) {
    return {
      reason: `"${nodeId}" has another configuration (epoch ${epoch}, here ${self.epoch}): members, zones, partitions, N and bucket modes must be the same on all nodes`,
      theirEpoch: epoch as ConfigurationEpoch,
    };
  }
  return undefined;
}

/** Why a peer is refused while another process, which answers, has its place. `name`: of that one. */
export function refuseClone(hello: Hello, name: NodeId): HelloRefusal {
  const reason =
    name === hello.nodeId
      ? `another process is "${name}", and answers at its address: two must not run as one node. Stop one of them; if it was started from a copy of the data directory, delete that copy`
      : `it runs on a copy of the data directory of "${name}", which answers. Stop it, and give it an empty directory`;
  return { reason, isClone: true };
}

/** Whether the other side proved that it knows the shared secret. */
export function provesSecret(
  self: LocalIdentity,
  proof: Uint8Array | undefined,
  role: keyof Handshake,
  handshake: Handshake,
): boolean {
  return proof !== undefined && isProof(proof, proveSecret(self.secret, role, handshake));
}

export const SECRET_REFUSAL: HelloRefusal = { reason: 'it did not prove that it knows the peer secret' };
