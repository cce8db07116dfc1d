/** All kinds of requests that the closed-loop generator can make. */
import type { EtcdWorkload } from '../peer/etcd-workload.ts';
import type { KeyDistribution } from './key-choice.ts';
import type { Workload } from './workload.ts';

/** Requests of several kinds, drawn at random: the mixes of YCSB (Cooper et al., SoCC 2010). */
export interface MixedWorkload {
  readonly type: 'mix';
  readonly bucket: string;
  /** Parts of all operations; what is left of 1 are reads. */
  readonly updates: number;
  readonly inserts: number;
  /**
   * Every update reads first, since a write that does not know the value becomes its sibling. `context` then replaces what was
   * read whatever happened since (siblings, if something did), `if-match` only if nothing did (412 otherwise).
   */
  readonly updateBy: 'context' | 'if-match';
  readonly distribution: KeyDistribution;
  readonly valueBytes?: number;
}

export type Traffic = Workload | MixedWorkload | EtcdWorkload;

/** What an answer was. */
export interface Answer {
  /** For the latencies by outcome: kind of request and status. */
  readonly outcome: string;
  /** Anything else makes the run invalid. */
  readonly isExpected: boolean;
  /** False for the read that an update begins with. */
  readonly endsOperation: boolean;
}

/** The requests of one connection, one at a time. */
export interface ConnectionRequests {
  /** The bytes of the next one. */
  readonly next: () => Buffer;
  /** If it wants to see them: names and values of the headers by turns, before `answered`. */
  readonly sawHeaders?: (headers: readonly string[]) => void;
  readonly answered: (status: number) => Answer;
}

/** What the generator does with a kind of requests. */
export interface TrafficSource {
  readonly connect: () => ConnectionRequests;
  /** Whether an answer can have this body. */
  readonly isRightBody: (body: string) => boolean;
}

/** Answers that are told apart by nothing but their status; they are made once, not for each request. */
export function answersByStatus(
  kind: string,
  expected: readonly number[],
  endsOperation = true,
): (status: number) => Answer {
  const known = new Map<number, Answer>();
  return (status) => {
    const answer = known.get(status) ?? {
      outcome: `${kind} ${status}`,
      isExpected: expected.includes(status),
      endsOperation,
    };
    known.set(status, answer);
    return answer;
  };
}

/** The value of a header among names and values by turns. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  const place = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return place === -1 ? undefined : headers[place + 1];
}
