/** What the model takes from production, as one value, so that a rule can be replaced by a wrong one. */
import {
  decideAccept,
  decideAdmit,
  decideCollect,
  decideCommit,
  decidePrepare,
  decideRead,
} from '../../../../src/core/paxos/acceptor.ts';
import type { KeyRecord } from '../../../../src/core/causality/record.ts';
import type { AcceptorState } from '../../../../src/core/paxos/acceptor-state.ts';
import { LinearizableRead } from '../../../../src/core/paxos/linearizable-read.ts';
import { Round, type RoundOptions } from '../../../../src/core/paxos/round.ts';

export interface ModelRules {
  readonly decidePrepare: typeof decidePrepare<KeyRecord>;
  readonly decideAccept: typeof decideAccept<KeyRecord>;
  readonly decideCommit: typeof decideCommit<KeyRecord>;
  readonly decideAdmit: typeof decideAdmit<KeyRecord>;
  readonly decideRead: typeof decideRead<KeyRecord>;
  readonly decideCollect: typeof decideCollect;
  readonly newRound: (options: RoundOptions) => Round;
  readonly newRead: (
    ...parameters: ConstructorParameters<typeof LinearizableRead>
  ) => Pick<LinearizableRead, 'onReply'>;
  /** What is left of an acceptor's state after a restart. */
  readonly afterRestart: (state: AcceptorState) => AcceptorState;
  /** The write id of an operation's n-th attempt through a coordinator. */
  readonly writeId: (operation: number, attempt: number) => string;
  /** Whether a replaced store waits until it is let in. */
  readonly newcomersWait: boolean;
  /** Whether who votes is named by its stores, beside the epoch. */
  readonly storesAreCompared: boolean;
  readonly floorIsKept: boolean;
  /** Whether a retry that fails is refused for good. */
  readonly retriesAreSettled: boolean;
  /** Whether one round trip is tried beside plain writes, too. */
  readonly grantsInMixedMode: boolean;
  /** Whether what was promised beforehand is used once, whatever comes of it. */
  readonly grantsAreTaken: boolean;
}

export const PRODUCTION_RULES: ModelRules = {
  decidePrepare,
  decideAccept,
  decideCommit,
  decideAdmit,
  decideRead,
  decideCollect,
  newRound: (options) => new Round(options),
  newRead: (...parameters) => new LinearizableRead(...parameters),
  afterRestart: (state) => state,
  writeId: (operation) => `op${operation}`,
  newcomersWait: true,
  storesAreCompared: true,
  floorIsKept: true,
  retriesAreSettled: true,
  grantsInMixedMode: false,
  grantsAreTaken: true,
};
