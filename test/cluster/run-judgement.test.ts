/** The judge of recorded runs is itself tried: on a run in which all is well, and on runs with one thing wrong each. */
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeContextToken } from '../../src/codec/context-token.ts';
import { type CausalContext, EMPTY_CONTEXT, withDot } from '../../src/core/causality/causal-context.ts';
import { actorId, type Dot, formatDot } from '../../src/core/causality/dot.ts';
import type { Incarnation } from '../../src/core/ids.ts';
import { RecordedRun, type RecordedWrite, type Sight } from './recorded-run.ts';
import { judgeRun } from './run-judgement.ts';

const BUCKET = 'bucket';
const KEY = 'key';
const actor = actorId('AAAAAAAAAAAAAAAAAAAAAA' as Incarnation, 0);

let run: RecordedRun;
let minted: Map<number, Dot>;
beforeEach(() => {
  run = new RecordedRun(BUCKET);
  minted = new Map();
});

function tokenOf(...writes: readonly RecordedWrite[]): string {
  const dots = writes.map(({ id }) => minted.get(id) as Dot);
  const context = dots.reduce<CausalContext>((covered, dot) => withDot(covered, dot), EMPTY_CONTEXT);
  return encodeContextToken({ bucket: BUCKET, key: KEY }, context);
}

/** What a reader sees who is shown these. */
function sightOf(
  shown: readonly RecordedWrite[],
  covered: readonly RecordedWrite[] = shown,
  isDeleted = false,
): Sight {
  const puts = isDeleted ? [] : shown.filter(({ type }) => type === 'put');
  const deletions = isDeleted ? [] : shown.filter(({ type }) => type === 'delete');
  return {
    token: tokenOf(...covered),
    at: run.next(),
    events: puts.map(({ id }) => id),
    tombstones: deletions.map(({ id }) => formatDot(minted.get(id) as Dot)),
    isDeleted,
  };
}

interface WriteOptions {
  readonly w?: number;
  readonly seen?: Sight;
  readonly outcome?: RecordedWrite['outcome'];
  readonly attempts?: number;
}

function write(
  type: 'put' | 'delete',
  { seen, outcome = 'ok', attempts = 0, w = 2 }: WriteOptions = {},
): RecordedWrite {
  const begun = run.begin({ key: KEY, type, seen, n: 3, w, bytes: 0 });
  const dot = { actor, counter: minted.size + 1 };
  minted.set(begun.id, dot);
  if (outcome === 'ok') run.learnDot(KEY, formatDot(dot), begun.id);
  begun.attemptsById = attempts;
  run.settle(begun, outcome);
  return begun;
}

function read(sight: () => Sight, r = 2): Sight {
  const [id, calledAt] = [run.nextId(), run.next()];
  const seen = sight();
  run.reads.push({ id, key: KEY, n: 3, r, calledAt, isSloppy: false, sight: seen });
  return seen;
}

function judge(final: Sight): readonly string[] {
  return judgeRun(run, new Map([[KEY, final]])).map(({ invariant }) => invariant);
}

describe('the judge of recorded runs', () => {
  it('finds nothing wrong where what is missing was superseded by somebody who had seen it', () => {
    const [first, second] = [write('put'), write('put')];
    const seen = read(() => sightOf([first, second]));
    const third = write('put', { seen });
    const deletion = write('delete', { seen: read(() => sightOf([third], [first, second, third])) });
    read(() => sightOf([deletion], [first, second, third, deletion], true));
    expect(judge(sightOf([deletion]))).toEqual([]);
  });

  it('misses an acknowledged write', () => {
    const first = write('put');
    const lost = write('put');
    expect(judge(sightOf([first]))).toEqual(['acknowledged-write-lost']);
    expect(judge(sightOf([first, lost]))).toEqual([]);
  });

  it('misses an acknowledged deletion whose victim is there again', () => {
    const first = write('put');
    write('delete', { seen: read(() => sightOf([first])) });
    expect(judge(sightOf([first]))).toEqual(['acknowledged-write-lost']);
  });

  it('misses what only a write covers whose client had not seen it, whatever its token says', () => {
    const [first, unseen] = [write('put'), write('put')];
    const second = write('put', { seen: sightOf([first], [first, unseen]) });
    expect(judge(sightOf([second]))).toEqual(['acknowledged-write-lost']);
  });

  it('misses no write whose outcome is unknown', () => {
    const first = write('put');
    write('put', { outcome: 'unknown' });
    expect(judge(sightOf([first]))).toEqual([]);
  });

  it('sees a read that comes too early to show what was acknowledged before', () => {
    const [first, second] = [write('put'), write('put')];
    read(() => sightOf([first]));
    expect(judge(sightOf([first, second]))).toEqual(['read-missed-acknowledged-write']);
  });

  it('misses no write of which one copy was enough if a disk was lost later, and no other', () => {
    write('put', { w: 1 });
    const second = write('put');
    run.diskLost(true);
    expect(judge(sightOf([second]))).toEqual([]);
    expect(judge(sightOf([]))).toEqual(['acknowledged-write-lost']);
    write('put', { w: 1 });
    expect(judge(sightOf([second]))).toEqual(['acknowledged-write-lost']);
  });

  it('lets reads miss something between a loss that nobody may notice and its healing, and no others', () => {
    const [first, second] = [write('put'), write('put')];
    run.diskLost(false);
    read(() => sightOf([first]));
    expect(judge(sightOf([first, second]))).toEqual([]);
    run.disksHealed();
    read(() => sightOf([first]));
    expect(judge(sightOf([first, second]))).toEqual(['read-missed-acknowledged-write']);
  });

  it('lets no read miss anything for a loss that is noticed at once, but where the one that has lost it answers by itself', () => {
    const [first, second] = [write('put', { w: 3 }), write('put', { w: 3 })];
    run.diskLost(true);
    read(() => sightOf([first]), 1);
    expect(judge(sightOf([first, second]))).toEqual([]);
    read(() => sightOf([first]), 2);
    expect(judge(sightOf([first, second]))).toEqual(['read-missed-acknowledged-write']);
  });

  it('sees a value beside its successor at the end, unless a lost disk may have been the only one that knew its id', () => {
    const first = write('put', { attempts: 2 });
    const second = write('put', { seen: read(() => sightOf([first])) });
    expect(judge(sightOf([first, second]))).toEqual(['false-sibling']);
    run.diskLost(true);
    expect(judge(sightOf([first, second]))).toEqual([]);
  });

  it('sees a value beside its successor', () => {
    const first = write('put');
    const second = write('put', { seen: read(() => sightOf([first])) });
    expect(judge(sightOf([first, second]))).toEqual(['false-sibling']);
  });

  it('sees a token that covers what its holder was not shown', () => {
    const [first, second] = [write('put'), write('put', { outcome: 'unknown' })];
    run.learnDot(KEY, formatDot(minted.get(second.id) as Dot), second.id);
    read(() => sightOf([first], [first, second]));
    expect(judge(sightOf([first]))).toEqual(['over-covering-context']);
  });

  it('sees what was answered as not applied', () => {
    const refused = write('put', { outcome: 'not-applied' });
    read(() => sightOf([refused]));
    expect(judge(sightOf([refused]))).toEqual(['not-applied-was-applied']);
  });

  it('sees one dot that names two writes', () => {
    const [first, second] = [write('put'), write('put')];
    run.learnDot(KEY, formatDot(minted.get(first.id) as Dot), second.id);
    expect(judge(sightOf([first, second]))).toContain('dot-collision');
  });

  it('lets a deletion of which no answer told the dot account for what it had seen, and only for that', () => {
    const first = write('put');
    const seen = read(() => sightOf([first]));
    const other = write('put');
    write('delete', { seen, outcome: 'unknown' });
    const unheard = { ...sightOf([]), tombstones: ['unheard.0.1'] };
    expect(judge({ ...unheard, events: [other.id] })).toEqual([]);
    expect(judge(unheard)).toEqual(['acknowledged-write-lost']);
  });
});
