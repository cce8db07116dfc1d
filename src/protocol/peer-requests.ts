/** What a node answers its peers, by whom it concerns. */
import type {
  BarrierRequest,
  FloorsRequest,
  PeerReply,
  PeerRequest,
  ReadReplica,
  ReadReply,
  ReapRequest,
  VotedKeysRequest,
} from '../core/message.ts';
import type { AntiEntropy } from './anti-entropy/anti-entropy.ts';
import type { MaybeLater } from './at-once.ts';
import type { OperationRouter } from './coordinator/operation-router.ts';
import type { InFlight } from './in-flight.ts';
import type { Reaping } from './reaping/reaping.ts';
import type { Admission } from './paxos/admission.ts';
import type { LostStoreRounds } from './paxos/lost-store-rounds.ts';
import type { StoreMemory } from './peers/store-memory.ts';
import type { Acceptor } from './replica/acceptor.ts';
import type { Floors } from './replica/floors.ts';
import type { LocalReplica } from './replica/local-replica.ts';

export interface PeerRequestPorts {
  readonly local: LocalReplica;
  readonly acceptor: Acceptor;
  readonly admission: Admission;
  readonly antiEntropy: AntiEntropy;
  readonly router: OperationRouter;
  readonly reaping: Reaping;
  readonly inFlight: InFlight;
  readonly floors: Floors;
  readonly lostStoreRounds: LostStoreRounds;
  readonly memory: StoreMemory;
}

/** `onTheWayMs`: how long the request took to come here, at most. Rejects if the store failed: nothing truthful can be answered then. */
export function servePeer(
  ports: PeerRequestPorts,
  request: PeerRequest,
  onTheWayMs: number,
): MaybeLater<PeerReply> {
  const { local, reaping, admission, inFlight } = ports;
  switch (request.type) {
    // What is answered at once is never under way.
    case 'read': {
      const reply = local.read(request);
      if (reply instanceof Promise) return inFlight.track(() => reply.then(readReply));
      return readReply(reply);
    }
    // Those wait for all others, so they are none of them.
    case 'barrier':
      return inFlight.settled().then(() => request);
    case 'voted-keys':
      return admission.serve(request);
    case 'floors':
      return serveFloors(ports, request);
    case 'reap-watch':
    case 'reap-settle':
    case 'reap-check':
    case 'reap-drop':
      return reaping.serve(request);
    default:
      return inFlight.track(() => serveRecords(ports, request, onTheWayMs));
  }
}

function readReply(reply: ReadReply): PeerReply {
  return { type: 'read', reply };
}

/** What a node that has lost its store asks first, before it gets its records back. */
async function serveFloors(
  { floors, memory, lostStoreRounds }: PeerRequestPorts,
  { node, store }: FloorsRequest,
): Promise<PeerReply> {
  if (memory.knownStore(node) !== store) return refuse(`${node} is not known by this store yet`);
  const isEnded = await lostStoreRounds.end(node, store);
  return isEnded
    ? { type: 'floors', floors: floors.all }
    : refuse(`rounds that were begun with the store that ${node} has lost have to end first`);
}

function refuse(reason: string): PeerReply {
  return { type: 'request-refused', reason };
}

async function serveRecords(
  { local, acceptor, antiEntropy, router }: PeerRequestPorts,
  request: Exclude<
    PeerRequest,
    ReadReplica | ReapRequest | BarrierRequest | VotedKeysRequest | FloorsRequest
  >,
  onTheWayMs: number,
): Promise<PeerReply> {
  switch (request.type) {
    case 'store':
      return { type: 'store', reply: await local.store(request) };
    case 'ping':
      return request;
    case 'tree-roots':
    case 'tree-leaves':
    case 'tree-keys':
    case 'partition-keys':
      return antiEntropy.serve(request);
    case 'coordinate-get':
    case 'coordinate-put':
    case 'coordinate-delete':
    case 'coordinate-conditional':
      return router.serve(request, onTheWayMs);
    case 'inspect-vote':
      return acceptor.inspect(request);
    case 'paxos-prepare':
    case 'paxos-accept':
    case 'paxos-commit':
    case 'paxos-admit':
    case 'paxos-read':
      return acceptor.serve(request);
  }
}
