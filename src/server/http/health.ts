/** `/livez` and `/readyz`. */
import type { ReadyBody } from '../../api/bodies.ts';
import type { OwnRecovery, StorageNode } from '../../protocol/storage-node.ts';
import { knownQuery } from './operation.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { Exchange } from './exchange.ts';
import { Problem } from './problem.ts';

/** Milliseconds that the storage may take to answer a probe. */
const PROBE_TIMEOUT_MS = 2_000;

/** 200 while the event loop (it runs this) and the storage answer, whatever the peers do. */
export async function livez(node: StorageNode): Promise<Reply> {
  try {
    await withinProbeTimeout(node.probeStorage());
    return jsonReply({ live: true });
  } catch (error) {
    return jsonReply({ live: false, reasons: [`The storage does not answer: ${messageOf(error)}`] }, 503);
  }
}

interface ReadinessSources {
  readonly node: StorageNode;
  readonly isDraining: () => boolean;
  readonly isFull: () => boolean;
}

/** 200 while this node serves, whatever the others do; with `?quorum=1` also only while its ranges have a majority. */
export function readyz({ node, isDraining, isFull }: ReadinessSources, exchange: Exchange): Reply {
  const quorum = knownQuery(exchange.query, ['quorum']).get('quorum');
  if (quorum !== null && quorum !== '0' && quorum !== '1') {
    throw new Problem('bad-request', `The parameter quorum may be 1 or 0, not "${quorum}".`);
  }
  const reasons = [...node.notReady()];
  if (isDraining()) reasons.push('The node is draining.');
  if (isFull()) reasons.push('The disk is below its reserve of free space: writes are refused.');
  if (quorum === '1' && !node.hasMajorities()) {
    reasons.push('Some partition of this node has no majority of its home replicas reachable.');
  }
  const notes = notesOf(node.recovery());
  const body: ReadyBody = { ready: reasons.length === 0, reasons, ...(notes.length > 0 && { notes }) };
  return jsonReply(body, body.ready ? 200 : 503);
}

/** A node that gets back what it lost serves all the same: reads rest on the other replicas. */
function notesOf({ partitions, waitingFor }: OwnRecovery): readonly string[] {
  if (partitions === 0) return [];
  return [
    `The node is recovering ${partitions} partitions that it lost, and waits for ${waitingFor.join(', ')}.`,
  ];
}

async function withinProbeTimeout(probe: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${PROBE_TIMEOUT_MS} ms`)), PROBE_TIMEOUT_MS);
  });
  try {
    await Promise.race([probe, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
