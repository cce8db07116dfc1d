/** Asks nodes for the JSON documents beside the entries: their view of the cluster, the ring, one key's replicas. */
import type { ProblemBody } from '../api/bodies.ts';
import { QuorateError } from '../client/errors.ts';
import type { Transport, TransportResponse } from '../client/transport.ts';
import { EXIT } from './exit-codes.ts';
import { CommandFailure } from './failure.ts';

/** Status and document of an answer; a readiness check says something with 503, too. */
export interface NodeAnswer<T> {
  /** Base URL of the node that answered. */
  readonly nodeUrl: string;
  readonly status: number;
  readonly document: T;
  /** When it answered, by its own clock if it says so (whole seconds), milliseconds since 1970. */
  readonly answeredAtMs: number;
}

/** What is asked. */
interface Question {
  readonly transport: Transport;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the whole, milliseconds. */
  readonly timeoutMs: number;
  /** Fields that a document of success has; without them something else answered. */
  readonly fields: readonly string[];
}

/** One question to one node. */
export interface NodeQuery extends Question {
  readonly nodeUrl: string;
}

/** What a node that is not the last gets at least if that much is left, milliseconds. */
const MIN_SHARE_MS = 1_000;

const decoder = new TextDecoder();

/** The node's answer with a JSON object. Throws an Error with a short message if there is none. */
export async function askNode<T>(query: NodeQuery): Promise<NodeAnswer<T>> {
  const signal = AbortSignal.timeout(query.timeoutMs);
  let response: TransportResponse;
  try {
    response = await query.transport({
      method: 'GET',
      url: `${query.nodeUrl}${query.path}`,
      headers: { accept: 'application/json, application/problem+json', ...query.headers },
      signal,
    });
  } catch (thrown) {
    if (signal.aborted) throw new Error(`no answer in ${query.timeoutMs} ms`, { cause: thrown });
    throw thrown;
  }
  const document = objectIn(response);
  const isSuccess = response.status < 400;
  if (document === undefined || (isSuccess && !query.fields.every((name) => Object.hasOwn(document, name)))) {
    throw new Error(`status ${response.status} with a body that says nothing: is this a Quorate node?`);
  }
  const { status } = response;
  return {
    nodeUrl: query.nodeUrl,
    status,
    document: document as T,
    answeredAtMs: dateOf(response) ?? Date.now(),
  };
}

function dateOf({ headers }: TransportResponse): number | undefined {
  const dateMs = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(dateMs) ? undefined : dateMs;
}

function objectIn(response: TransportResponse): object | undefined {
  try {
    const document: unknown = JSON.parse(decoder.decode(response.body));
    return typeof document === 'object' && document !== null ? document : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The first of the nodes that answers with success; the others are not asked. Throws if none does, or one refuses. A node
 * that says nothing uses up a part of the time, so that the others are asked too.
 */
export async function askFirst<T>(
  query: Question & { readonly nodeUrls: readonly string[] },
): Promise<NodeAnswer<T>> {
  const { nodeUrls, ...question } = query;
  const deadlineMs = performance.now() + question.timeoutMs;
  const attempts: { readonly node: string; readonly message: string }[] = [];
  for (const [index, nodeUrl] of nodeUrls.entries()) {
    const remainingMs = deadlineMs - performance.now();
    if (remainingMs < 1) break;
    const isLast = index === nodeUrls.length - 1;
    const shareMs = isLast ? remainingMs : Math.max(remainingMs / 2, Math.min(remainingMs, MIN_SHARE_MS));
    let answer: NodeAnswer<T>;
    try {
      answer = await askNode<T>({ ...question, nodeUrl, timeoutMs: Math.ceil(shareMs) });
    } catch (thrown) {
      attempts.push({ node: nodeUrl, message: thrown instanceof Error ? thrown.message : String(thrown) });
      continue;
    }
    if (answer.status < 400) return answer;
    const problem = answer.document as Partial<ProblemBody>;
    const message = problem.detail ?? problem.title ?? `status ${answer.status}`;
    // Another node may be able to do what this one cannot now; what is wrong with the request is wrong everywhere.
    if (answer.status < 500) throw refusal(problem, message, answer.status);
    attempts.push({ node: nodeUrl, message });
  }
  throw unreachable(attempts);
}

function refusal(problem: Partial<ProblemBody>, message: string, status: number): QuorateError {
  const { code = 'bad-response', hint } = problem;
  return new QuorateError(message, { code, hint, status, problem: problem as ProblemBody });
}

function unreachable(
  attempts: readonly { readonly node: string; readonly message: string }[],
): CommandFailure {
  const tried = attempts.map(({ node, message }) => `${node}: ${message}`).join('; ');
  return new CommandFailure(`no node answered (${tried}).`, {
    exitCode: EXIT.quorumUnavailable,
    code: 'unreachable',
    hint: 'Start a cluster with `quorate cluster`, or name a running node with --node URL.',
    facts: { attempts },
  });
}
