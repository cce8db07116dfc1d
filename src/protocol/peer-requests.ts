/** What a node answers its peers, by whom it concerns. */
import type { PeerReply, PeerRequest } from '../core/message.ts';
import type { AntiEntropy } from './anti-entropy/anti-entropy.ts';
import type { OperationRouter } from './coordinator/operation-router.ts';
import type { LocalReplica } from './replica/local-replica.ts';

export interface PeerRequestPorts {
  readonly local: LocalReplica;
  readonly antiEntropy: AntiEntropy;
  readonly router: OperationRouter;
}

/** Rejects if the store failed: nothing truthful can be answered then. */
export async function servePeer(
  { local, antiEntropy, router }: PeerRequestPorts,
  request: PeerRequest,
): Promise<PeerReply> {
  switch (request.type) {
    case 'read':
      return { type: 'read', reply: await local.read(request) };
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
      return router.serve(request);
  }
}
