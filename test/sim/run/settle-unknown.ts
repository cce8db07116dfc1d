/**
 * Asks what became of every write whose outcome its client does not know, when everything works again. Whatever is told is binding:
 * what was never applied never will be. Only where the key has forgotten write ids since does nobody know any more.
 */
import type { NodeId } from '../../../src/core/ids.ts';
import type { ConditionalOutcome, SettledState } from '../../../src/core/outcome.ts';
import { writeIdOf } from '../checkers/dots.ts';
import type { WriteEvent } from '../checkers/history.ts';
import { BUCKET } from './client-sessions.ts';
import { describeReply } from './simulated-client.ts';
import type { WorkloadParts } from './workload.ts';

const TIMEOUT_MS = 10_000;

/** The writes of a key of which this is not known. */
export function unknownWrites(
  { history }: Pick<WorkloadParts, 'history'>,
  key: string,
): readonly WriteEvent[] {
  return history.writesOf(key).filter(({ outcome }) => outcome === 'unknown');
}

/** Notes in the history what it is told. Virtual time goes on meanwhile; `run` lets so many milliseconds pass. */
export async function settleUnknown(
  parts: WorkloadParts,
  nodes: readonly NodeId[],
  run: (ms: number) => Promise<void>,
): Promise<void> {
  // The first question through a node may find out that a connection has been dead for a while.
  for (const node of nodes) {
    const open = parts.plan.options.keys.flatMap((key) => unknownWrites(parts, key));
    const told = new Map<WriteEvent, SettledState>();
    for (const write of open) {
      ask(parts, node, write, (state) => told.set(write, state));
      await run(100);
    }
    if (open.length > 0) await run(TIMEOUT_MS + 1_000);
    for (const [write, state] of told) note(parts, write, state);
    if (told.size === open.length) return;
  }
}

function ask(
  { link, log }: WorkloadParts,
  node: NodeId,
  { id, key, n }: WriteEvent,
  onTold: (state: SettledState) => void,
): void {
  link.call<ConditionalOutcome>(
    node,
    TIMEOUT_MS,
    (asked) =>
      asked.conditional({
        ...{ bucket: BUCKET, key, n, timeoutMs: TIMEOUT_MS, returnRecord: false },
        operation: { type: 'settle', writeId: writeIdOf(id) },
      }),
    (reply) => {
      const isTold = reply.type === 'answer' && reply.outcome.type === 'settled';
      const says = isTold ? (reply.outcome as { state: SettledState }).state : undefined;
      log.operation(
        `at the end ${node} is asked what became of ${id} of ${key}: ${says ?? describeReply(reply)}`,
      );
      if (says !== undefined) onTold(says);
    },
    () => {},
  );
}

function note({ history, log, whiteBox }: WorkloadParts, write: WriteEvent, state: SettledState): void {
  log.count(`settled-${state}`);
  if (state === 'too-old') return;
  write.outcome = state === 'never-applied' ? 'not-applied' : 'ok';
  // It has taken effect by now, whenever that was.
  write.returnedAt = history.next();
  write.isOrdered = write.outcome === 'ok';
  if (write.outcome === 'not-applied') whiteBox.denied(write);
}
