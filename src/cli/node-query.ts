/** Asks nodes for the JSON documents beside the entries: their view of the cluster, the ring, one key's replicas. */
import type { ProblemBody } from '../api/bodies.ts';
import { QuorateError } from '../client/errors.ts';
import type { Transport } from '../client/transport.ts';
import { EXIT } from './exit-codes.ts';
import { CommandFailure } from './failure.ts';

/** Status and document of an answer; a readiness check says something with 503, too. */
export interface NodeAnswer<T> {
  /** Base URL of the node that answered. */
  readonly nodeUrl: string;
  readonly status: number;
  readonly document: T;
}

/** One question to one node. */
export interface NodeQuery {
  readonly transport: Transport;
  readonly nodeUrl: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const decoder = new TextDecoder();

/** The node's answer with a JSON body. Throws an Error with a short message if there is none. */
export async function askNode<T>(query: NodeQuery): Promise<NodeAnswer<T>> {
  const signal = AbortSignal.timeout(query.timeoutMs);
  let response: Awaited<ReturnType<Transport>>;
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
  try {
    const document = JSON.parse(decoder.decode(response.body)) as T;
    return { nodeUrl: query.nodeUrl, status: response.status, document };
  } catch (thrown) {
    throw new Error(`status ${response.status} with a body that is not JSON: is this a Quorate node?`, {
      cause: thrown,
    });
  }
}

/** The first of the nodes that answers with success; the others are not asked. Throws if none does, or one refuses. */
export async function askFirst<T>(
  query: Omit<NodeQuery, 'nodeUrl'> & { readonly nodeUrls: readonly string[] },
): Promise<NodeAnswer<T>> {
  const { nodeUrls, ...question } = query;
  const attempts: { readonly node: string; readonly message: string }[] = [];
  for (const nodeUrl of nodeUrls) {
    let answer: NodeAnswer<T>;
    try {
      answer = await askNode<T>({ ...question, nodeUrl });
    } catch (thrown) {
      attempts.push({ node: nodeUrl, message: thrown instanceof Error ? thrown.message : String(thrown) });
      continue;
    }
    if (answer.status < 400) return answer;
    const problem = answer.document as unknown as ProblemBody;
    // Another node may be able to do what this one cannot now; what is wrong with the request is wrong everywhere.
    if (answer.status < 500) throw refusal(problem, answer.status);
    attempts.push({ node: nodeUrl, message: problem.detail ?? problem.title });
  }
  throw unreachable(attempts);
}

function refusal(problem: ProblemBody, status: number): QuorateError {
  return new QuorateError(problem.detail ?? problem.title, {
    code: problem.code,
    hint: problem.hint,
    status,
    problem,
  });
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
