/**
 * The judgement of an experiment: each update has added an id of its own to the value of a key, so what the value holds in the end
 * says what became of every single one.
 */

/** What clients were told of the updates of one key. */
export interface KeyTally {
  readonly key: string;
  readonly acknowledged: readonly string[];
  /** May have been applied. */
  readonly unknown: readonly string[];
  /** Surely not. */
  readonly refused: readonly string[];
}

/** What became of them. */
export interface Judgement {
  readonly acknowledged: number;
  /** Acknowledged, and not there. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly duplicated: readonly string[];
  /** Called surely not applied, and there all the same. */
  readonly revived: readonly string[];
  /** There, and added by nobody. */
  readonly invented: readonly string[];
}

/** Compares what was told with what the key holds in the end. */
export function judge({ acknowledged, unknown, refused }: KeyTally, held: readonly string[]): Judgement {
  const there = new Set(held);
  const known = new Set([...acknowledged, ...unknown, ...refused]);
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((id) => !there.has(id)),
    duplicated: [...there].filter((id) => held.indexOf(id) !== held.lastIndexOf(id)),
    revived: refused.filter((id) => there.has(id)),
    invented: [...there].filter((id) => !known.has(id)),
  };
}

/** Several keys as one. */
export function together(judgements: readonly Judgement[]): Judgement {
  return {
    acknowledged: judgements.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    lost: judgements.flatMap(({ lost }) => lost),
    duplicated: judgements.flatMap(({ duplicated }) => duplicated),
    revived: judgements.flatMap(({ revived }) => revived),
    invented: judgements.flatMap(({ invented }) => invented),
  };
}

/** Of a million acknowledged updates; undefined if none was. */
export function lostPerMillion({ lost, acknowledged }: Judgement): number | undefined {
  return acknowledged === 0 ? undefined : (lost.length / acknowledged) * 1_000_000;
}

/**
 * What breaks a promise, in sentences; empty if nothing does. Whoever overwrites by the newest clock is promised nothing but
 * that what was refused stays away.
 */
export function brokenPromises(
  { lost, duplicated, revived, invented }: Judgement,
  { mayLose }: { readonly mayLose: boolean },
): readonly string[] {
  return [
    ...(mayLose ? [] : sentence(lost, 'acknowledged and lost')),
    ...sentence(duplicated, 'applied twice'),
    ...sentence(revived, 'called not applied, and applied'),
    ...sentence(invented, 'made by nobody'),
  ];
}

function sentence(ids: readonly string[], what: string): readonly string[] {
  return ids.length === 0 ? [] : [`${ids.length} updates were ${what} (${ids.slice(0, 3).join(', ')})`];
}
