/**
 * Whether enough home replicas can be reached for a quorum, asked before a write mints anything: with too few of them the
 * write is refused and surely not applied. Replicas whose connection is being made are waited for, within the deadline.
 */
import type { NodeId } from '../../core/ids.ts';
import type { Replicas } from '../replica/replicas.ts';
import type { Deadline } from './deadline.ts';

/** True at once in the usual case; false as soon as the quorum cannot come about, or at the deadline. */
export function awaitUsableQuorum(
  replicas: Replicas,
  homes: readonly NodeId[],
  required: number,
  deadline: Deadline,
): boolean | Promise<boolean> {
  if (countUsable(replicas, homes) >= required) return true;
  for (const node of homes) replicas.dialSoon(node);
  if (countConceivable(replicas, homes) < required) return false;
  return new Promise((resolve) => {
    const end = (isUsable: boolean): void => {
      stopWatching();
      stopDeadline();
      resolve(isUsable);
    };
    const stopWatching = replicas.watch(() => {
      if (countUsable(replicas, homes) >= required) end(true);
      else if (countConceivable(replicas, homes) < required) end(false);
    });
    const stopDeadline = deadline.onPassed(() => end(false));
  });
}

function countUsable(replicas: Replicas, homes: readonly NodeId[]): number {
  return homes.filter((node) => replicas.state(node) === 'up').length;
}

function countConceivable(replicas: Replicas, homes: readonly NodeId[]): number {
  return homes.filter((node) => replicas.state(node) !== 'down').length;
}
