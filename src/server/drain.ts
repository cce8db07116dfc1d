/**
 * Stops a server in the order in which nobody is left without an answer: first new requests are refused, what runs is
 * waited for, then the doors close, then node and storage. The node itself refuses nothing before the requests have ended
 * that were let in: one of them may still be receiving its body.
 */
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { StorageNode } from '../protocol/storage-node.ts';
import type { Admission } from './http/admission.ts';
import type { OpenAnswers } from './http/open-answers.ts';
import { closeHttpServer } from './listen.ts';

/** How long draining may take, milliseconds. */
export interface DrainTimes {
  /** Running operations are waited for so long, all steps together. */
  readonly graceMs: number;
  /** At least so long new requests still get an answer: clients with open connections are told to go, not cut off. */
  readonly noticeMs: number;
}

/** Together less than the 15 seconds after which a local cluster kills its nodes. */
export const DRAIN_TIMES: DrainTimes = { graceMs: 10_000, noticeMs: 250 };

/** Milliseconds for connections to become idle when all answers have left; then they are cut. */
const LAST_CONNECTIONS_MS = 1_000;

/** What is stopped. */
export interface Drained {
  readonly http: Server;
  readonly node: StorageNode;
  readonly admission: Admission;
  readonly answers: OpenAnswers;
}

/** Resolves when HTTP server and node are closed. Rejects if the node cannot be closed. */
export async function drainServer(
  { http, node, admission, answers }: Drained,
  times: DrainTimes,
): Promise<void> {
  const deadlineMs = performance.now() + times.graceMs;
  const leftMs = (): number => Math.max(0, deadlineMs - performance.now());
  admission.drain();
  await Promise.all([admission.idle(times.graceMs), delay(times.noticeMs)]);
  node.drain();
  await answers.sent(leftMs());
  await closeHttpServer(http, Math.min(leftMs(), LAST_CONNECTIONS_MS));
  await node.close(leftMs());
}
