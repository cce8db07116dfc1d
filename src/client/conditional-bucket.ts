/** Compare-and-set: how conditional writes and deletions become calls, and how one that ended in doubt is asked for. */
import type { OutcomeBody } from '../api/bodies.ts';
import { outcomePath } from '../api/paths.ts';
import { encoded } from './answer.ts';
import { AnyBucket, writeIdentity } from './any-bucket.ts';
import type { Inner } from './any-bucket.ts';
import type { Call } from './call.ts';
import { casUpdateLoop } from './cas-update.ts';
import type { CasUpdateSteps } from './cas-update.ts';
import { conditionHeaders, isConditionalAnswer, readSwapped, readSwappedAway } from './condition.ts';
import { Deadline } from './deadline.ts';
import type { CasResult, DeleteIfResult, Entry, Updated, WriteOutcome } from './entry.ts';
import { DEFAULT_TIMEOUT_MS, invalidArgument } from './options.ts';
import type { CallOptions, CasOptions, ConditionOptions, UpdateOptions } from './options.ts';
import type { TransportResponse } from './transport.ts';
import { updateLoop } from './update.ts';
import type { Changed } from './update.ts';

const STATES: readonly unknown[] = [
  'applied',
  'superseded',
  'never-applied',
  'too-old',
] satisfies OutcomeBody['state'][];

/** A bucket's conditional writes, whatever it makes of siblings. */
export abstract class ConditionalBucket<T> extends AnyBucket<T> {
  /**
   * Finds out what became of a write whose outcome was `unknown`, by its id (`error.writeId`). Where the answer is
   * `never-applied` a conditional write is refused from then on, so that no attempt of it which is still under way takes effect.
   * Of a plain write it says that a majority of the home replicas does not know it; it may appear yet.
   */
  async outcome(key: string, writeId: string, options: CallOptions = {}): Promise<WriteOutcome> {
    return this.#outcome(key, writeId, options);
  }

  protected async swap(
    key: string,
    value: T,
    own: Inner<CasOptions & ConditionOptions>,
  ): Promise<CasResult<Entry<T>>> {
    const { codec } = this.setup;
    const base = this.#conditional('PUT', key, own);
    const call = {
      ...base,
      headers: { ...base.headers, 'Content-Type': codec.contentType },
      body: encoded(codec, value, base.what),
    };
    const facts = { codec, what: base.what, writeId: base.write.id };
    return readSwapped(await this.setup.carryOut(call), facts);
  }

  protected async swapAway(
    key: string,
    own: Inner<CasOptions & ConditionOptions>,
  ): Promise<DeleteIfResult<Entry<T>>> {
    const call = this.#conditional('DELETE', key, own);
    if ('If-None-Match' in call.headers) {
      throw invalidArgument('There is nothing to delete where nothing is', 'Give the ETag of what was read.');
    }
    const facts = { codec: this.setup.codec, what: call.what, writeId: call.write.id };
    return readSwappedAway(await this.setup.carryOut(call), facts);
  }

  /** `update`, by whichever consistency. */
  protected async changed(
    key: string,
    { consistency, ...own }: UpdateOptions,
    change: (entry: Entry<T>) => Promise<Changed<T>>,
  ): Promise<Updated<T>> {
    if (consistency === 'linearizable') return casUpdateLoop(this.#casSteps(key, own), change);
    return updateLoop(this.steps(key, { ...own, consistency }), change);
  }

  #casSteps(key: string, own: Omit<UpdateOptions, 'consistency'>): CasUpdateSteps<T> {
    const { n, r, w } = own;
    if (n !== undefined || r !== undefined || w !== undefined) {
      throw invalidArgument(
        'n, r and w do not go with the consistency linearizable',
        'A majority of the home replicas decides, always of the N of the bucket: leave them out.',
      );
    }
    const { timeoutMs } = this.checked(key, { ...own, consistency: 'linearizable' }, 'read');
    const deadline = new Deadline(timeoutMs ?? DEFAULT_TIMEOUT_MS);
    // Each round writes under an id of its own: it is another write than the one before.
    const inner = { signal: own.signal, deadline };
    return {
      what: `update ${this.name}/${key}`,
      deadline,
      signal: own.signal,
      maxRounds: own.maxRounds,
      read: async () => this.read(key, { ...inner, consistency: 'linearizable' }),
      swap: async (value, entry) => this.swap(key, value, { ...inner, if: entry }),
      swapAway: async (entry) => this.swapAway(key, { ...inner, if: entry }),
    };
  }

  /** What the bucket's defaults say of N, R and W is for plain writes: a majority decides here. */
  #conditional(
    method: 'PUT' | 'DELETE',
    key: string,
    own: Inner<CasOptions & ConditionOptions>,
  ): Call & Required<Pick<Call, 'write'>> {
    const { timeoutMs, signal, writeId } = own;
    const options = this.checked(key, { timeoutMs, signal, writeId }, 'write');
    return {
      ...this.call(method, 'write', key, { timeoutMs: options.timeoutMs, signal }, own.deadline),
      headers: { ...conditionHeaders(own), Prefer: 'return=representation' },
      write: writeIdentity(options),
      isAnswer: isConditionalAnswer,
    };
  }

  async #outcome(key: string, writeId: string, own: Inner<CallOptions>): Promise<WriteOutcome> {
    const options = this.checked(key, { timeoutMs: own.timeoutMs, signal: own.signal, writeId }, 'read');
    const response = await this.setup.carryOut({
      ...this.call('GET', 'write', key, { timeoutMs: options.timeoutMs, signal: own.signal }, own.deadline),
      path: outcomePath(this.name, key, writeId),
      what: `outcome of ${writeId} in ${this.name}/${key}`,
      headers: { Accept: 'application/json, application/problem+json' },
      isAnswer: (answer) => answer.status === 200 && outcomeIn(answer) !== undefined,
    });
    const { state, etag } = outcomeIn(response) as OutcomeBody;
    return { state, etag, writeId };
  }
}

function outcomeIn({ body }: TransportResponse): OutcomeBody | undefined {
  try {
    const outcome = JSON.parse(new TextDecoder().decode(body)) as Partial<OutcomeBody> | null;
    return STATES.includes(outcome?.state) ? (outcome as OutcomeBody) : undefined;
  } catch {
    return undefined;
  }
}
