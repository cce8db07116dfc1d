/**
 * Histories of one register, drawn from a seed: those that a real register with clients of its own would give, and the same
 * with some answers changed. What is wrong with the second kind is for a checker to say.
 */
import { Stream } from '../world/draw.ts';
import {
  type RegisterOperation,
  type RegisterOutcome,
  type RegisterRequest,
  type RegisterState,
  stepOf,
} from './register-history.ts';

export interface HistoryShape {
  readonly clients: number;
  readonly operations: number;
  /** Probability that the outcome of an operation with an effect is unknown; half of these have it. */
  readonly unknownChance: number;
  /** Number of values that are written, over and over; 0: every write has a value of its own. */
  readonly values: number;
  /** Number of operations whose answer is changed afterwards. */
  readonly lies: number;
  /** Whether a refusal tells what it found. */
  readonly refusalsTell: boolean;
}

interface Running {
  readonly id: number;
  readonly calledAt: number;
  readonly request: RegisterRequest;
  outcome: RegisterOutcome | undefined;
}

export function drawHistory(seed: number, shape: HistoryShape): readonly RegisterOperation[] {
  const stream = new Stream(seed, 'register history');
  const done: RegisterOperation[] = [];
  const running = new Map<number, Running>();
  let state: RegisterState;
  let order = 0;
  let begun = 0;
  const finish = (client: number, { id, calledAt, request, outcome }: Running): void => {
    running.delete(client);
    order += 1;
    const isLost =
      request.type !== 'read' && outcome?.type !== 'refused' && stream.chance(shape.unknownChance);
    done.push(
      isLost || outcome === undefined
        ? { id, calledAt, returnedAt: Infinity, request, outcome: { type: 'unknown' } }
        : { id, calledAt, returnedAt: order, request, outcome },
    );
  };
  while (begun < shape.operations || running.size > 0) {
    const client = stream.integer(0, shape.clients - 1);
    const current = running.get(client);
    if (current === undefined) {
      if (begun === shape.operations) continue;
      begun += 1;
      order += 1;
      const request = drawRequest(stream, shape, state, begun);
      running.set(client, { id: begun, calledAt: order, request, outcome: undefined });
    } else if (current.outcome === undefined) {
      // It takes effect now; some of those whose client gives up never do.
      if (current.request.type !== 'read' && stream.chance(shape.unknownChance / 2)) finish(client, current);
      else [current.outcome, state] = carryOut(current.request, state, shape.refusalsTell);
    } else {
      finish(client, current);
    }
  }
  return withLies(stream, done, shape);
}

function carryOut(
  request: RegisterRequest,
  state: RegisterState,
  refusalsTell: boolean,
): [RegisterOutcome, RegisterState] {
  if (request.type === 'read') return [{ type: 'read', state }, state];
  const outcome = { type: 'ok' } as const;
  const step = stepOf({ id: 0, calledAt: 0, returnedAt: 0, request, outcome }, state);
  if (step !== 'impossible') return [outcome, step.state];
  return [refusalsTell ? { type: 'refused', found: { state } } : { type: 'refused' }, state];
}

function drawRequest(stream: Stream, shape: HistoryShape, state: RegisterState, id: number): RegisterRequest {
  const value = shape.values === 0 ? `v${id}` : `v${stream.integer(1, shape.values)}`;
  // Mostly what is there, as a client that has just read would expect.
  const expected = stream.chance(0.7) ? (state ?? 'v1') : `v${stream.integer(1, Math.max(2, shape.values))}`;
  switch (stream.pick(['read', 'read', 'create', 'cas', 'cas', 'write', 'delete', 'remove'] as const)) {
    case 'read':
      return { type: 'read' };
    case 'create':
      return { type: 'create', value };
    case 'cas':
      return { type: 'cas', expected, value };
    case 'write':
      return { type: 'write', value };
    case 'delete':
      return { type: 'delete', expected };
    case 'remove':
      return { type: 'delete', expected: undefined };
  }
}

function withLies(
  stream: Stream,
  history: readonly RegisterOperation[],
  { lies, values }: HistoryShape,
): readonly RegisterOperation[] {
  const told = [...history];
  for (let lie = 0; lie < lies && told.length > 0; lie += 1) {
    const index = stream.integer(0, told.length - 1);
    const operation = told[index] as RegisterOperation;
    const state = stream.chance(0.2) ? undefined : `v${stream.integer(1, Math.max(2, values))}`;
    if (operation.outcome.type === 'read') told[index] = { ...operation, outcome: { type: 'read', state } };
    else if (operation.outcome.type === 'ok') told[index] = { ...operation, outcome: { type: 'refused' } };
    else if (operation.outcome.type === 'refused') told[index] = { ...operation, outcome: { type: 'ok' } };
  }
  return told;
}
