/**
 * Whether enough nodes can be reached for a quorum (home replicas, and under a sloppy one those that may stand in), asked
 * before a write mints anything: with too few of them the write is refused and surely not applied. Those whose connection is being made are waited for, within the deadline.
 */
import type { NodeId } from '../../core/ids.ts';
import type { Replicas } from '../replica/replicas.ts';
import type { Deadline } from './deadline.ts';

/** True at once in the usual case; false as soon as the quorum cannot come about, or at the deadline. */
export function awaitUsableQuorum(
  replicas: Replicas,
  nodes: readonly NodeId[],
  required: number,
  deadline: Deadline,
): boolean | Promise<boolean> {
  if (countUsable(replicas, nodes) >= required) return true;
  for (const node of nodes) replicas.dialSoon(node);
  if (countConceivable(replicas, nodes) < required) return false;
  return new Promise((resolve) => {
    const end = (isUsable: boolean): void => {
      stopWatching();
      stopDeadline();
      resolve(isUsable);
    };
    const stopWatching = replicas.watch(() => {
      if (countUsable(replicas, nodes) >= required) end(true);
      else if (countConceivable(replicas, nodes) < required) end(false);
    });
    const stopDeadline = deadline.onPassed(() => end(false));
  });
}

function countUsable(replicas: Replicas, nodes: readonly NodeId[]): number {
  return nodes.filter((node) => replicas.state(node) === 'up').length;
}

function countConceivable(replicas: Replicas, nodes: readonly NodeId[]): number {
  return nodes.filter((node) => replicas.state(node) !== 'down').length;
}

/** Waits for nodes whose connection is being made: until one of them is up, or none is being connected to, or the time is over. */
export function awaitConnection(
  replicas: Replicas,
  nodes: readonly NodeId[],
  deadline: Deadline,
): undefined | Promise<void> {
  const isOver = (): boolean =>
    countUsable(replicas, nodes) > 0 || !nodes.some((node) => replicas.state(node) === 'connecting');
  if (isOver()) return undefined;
  return new Promise((resolve) => {
    const end = (): void => {
      stopWatching();
      stopDeadline();
      resolve();
    };
    const stopWatching = replicas.watch(() => {
      if (isOver()) end();
    });
    const stopDeadline = deadline.onPassed(end);
  });
}
