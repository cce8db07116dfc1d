/** Reads and writes of entries, answered on the requests and answers of node:http as they are. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PATHS } from '../../api/paths.ts';
import type { Door } from './door.ts';
import { rawPath } from './exchange.ts';
import { routeOf } from './routes.ts';
import { sendReply } from './send-reply.ts';
import type { UnsentAnswers } from './unsent-answers.ts';

const ENTRIES = `${PATHS.kv}/`;

export class EntryLane {
  readonly #door: Door;
  readonly #unsent: UnsentAnswers;
  readonly #onFailure: (error: unknown) => void;

  /** `onFailure`: an answer could not be sent, which is a bug. */
  constructor(door: Door, unsent: UnsentAnswers, onFailure: (error: unknown) => void) {
    this.#door = door;
    this.#unsent = unsent;
    this.#onFailure = onFailure;
  }

  /** Answers a request, at once or later, if it is one on an entry. Whether it is. */
  takes(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const { method, url = '' } = incoming;
    if (!url.startsWith(ENTRIES)) return false;
    const route = routeOf(this.#door.routes, method, rawPath(url));
    if (route === undefined) return false;
    this.#door
      .answer(incoming, outgoing, route, (reply) =>
        this.#unsent.add(outgoing, sendReply(incoming, outgoing, reply)),
      )
      .catch((error: unknown) => {
        this.#onFailure(error);
        outgoing.destroy();
      });
    return true;
  }
}
