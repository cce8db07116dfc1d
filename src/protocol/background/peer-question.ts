/** What an exchange asks its peer, and what may become of that. */
import type { NodeId } from '../../core/ids.ts';
import { EXCHANGE_TIMEOUT_MS } from '../../core/limits.ts';
import type { PeerReply, PeerRequest } from '../../core/message.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Peers } from '../peers/peers.ts';
import type { Pace } from './pace.ts';

/** The exchange ends here, and the next one goes on: the peer is gone, or does not answer what was asked. */
export class ExchangeBroken extends Error {
  override readonly name = 'ExchangeBroken';
}

/** The peer did not answer this question in time; it may answer others. */
export class QuestionUnanswered extends ExchangeBroken {}

export interface QuestionPorts {
  readonly clock: Clock;
  readonly peers: Peers;
  readonly pace: Pace;
}

type ReplyTo<Type extends PeerReply['type']> = Extract<PeerReply, { readonly type: Type }>;

/**
 * The peer's reply. Rejects with QuestionUnanswered if there is none in time or the peer refuses, and with ExchangeBroken if
 * it cannot be asked.
 */
export function askPeer<Request extends PeerRequest>(
  { clock, peers, pace }: QuestionPorts,
  peer: NodeId,
  request: Request,
  timeoutMs = EXCHANGE_TIMEOUT_MS,
): Promise<ReplyTo<Request['type']>> {
  if (pace.isClosed) return Promise.reject(new ExchangeBroken('this node is closing'));
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => {
      cancel();
      reject(new QuestionUnanswered(`no answer to ${request.type} within ${timeoutMs} ms`));
    });
    const cancel = peers.request(peer, request, (answer) => {
      timer.cancel();
      if (answer.type !== 'reply') reject(new ExchangeBroken(answer.reason));
      else if (answer.reply.type === 'request-refused') reject(new QuestionUnanswered(answer.reply.reason));
      else resolve(answer.reply as ReplyTo<Request['type']>);
    });
  });
}
