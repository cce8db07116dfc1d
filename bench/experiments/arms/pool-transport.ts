/**
 * How the clients of the experiments reach the nodes: the project's client over undici's pools, as a server would use it, for
 * `fetch` costs ten times as much CPU, which here would be taken from the nodes. It counts what goes over it.
 */
import { Pool } from 'undici';
import { HEADERS } from '../../../src/api/headers.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../../src/client/transport.ts';
import { transportErrorFrom } from '../../../src/client/transport-error.ts';

const CONNECTIONS_PER_NODE = 128;
/** Contexts may be long; undici takes 16 KiB by default. */
const MAX_HEADER_BYTES = 128 * 1024;

/** What was sent and answered. */
export interface TransportTally {
  readonly requests: number;
  /** Conditional writes that were answered, and those of them that won. */
  readonly attempts: number;
  readonly won: number;
  /** Plain writes that left more than one sibling, and the most that any left. */
  readonly leftSiblings: number;
  readonly mostSiblings: number;
}

/** Pools to all nodes that are asked for. */
export class PoolTransport {
  readonly #pools = new Map<string, Pool>();
  #tally = emptyTally();

  readonly send: Transport = async (request) => {
    try {
      const response = await this.#send(request);
      this.#count(request, response);
      return response;
    } catch (thrown) {
      throw transportErrorFrom(thrown);
    }
  };

  /** What was counted since it was asked last. */
  takeTally(): TransportTally {
    const tally = this.#tally;
    this.#tally = emptyTally();
    return tally;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  async #send({ url, method, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
    const { origin, pathname, search } = new URL(url);
    const answer = await this.#poolOf(origin).request({
      path: `${pathname}${search}`,
      ...{ method, headers, signal },
      body: body ?? null,
    });
    const bytes = new Uint8Array(await answer.body.arrayBuffer());
    const get = (name: string): string | undefined => answer.headers[name.toLowerCase()]?.toString();
    return { status: answer.statusCode, headers: { get }, body: bytes };
  }

  #count({ method, headers }: TransportRequest, { status, headers: answered }: TransportResponse): void {
    const tally = this.#tally;
    tally.requests += 1;
    if (method !== 'PUT') return;
    if ('If-Match' in headers || 'If-None-Match' in headers) {
      tally.attempts += 1;
      if (status < 300) tally.won += 1;
      return;
    }
    const siblings = Number(answered.get(HEADERS.siblings) ?? 0);
    if (siblings > 1) tally.leftSiblings += 1;
    tally.mostSiblings = Math.max(tally.mostSiblings, siblings);
  }

  #poolOf(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    const pool = new Pool(origin, { connections: CONNECTIONS_PER_NODE, maxHeaderSize: MAX_HEADER_BYTES });
    this.#pools.set(origin, pool);
    return pool;
  }
}

type Counting = { -readonly [Name in keyof TransportTally]: number };

function emptyTally(): Counting {
  return { requests: 0, attempts: 0, won: 0, leftSiblings: 0, mostSiblings: 0 };
}
