import { describe, expect, test } from 'vitest';
import { NodeDirectory } from '../../src/client/node-directory.ts';

const untried: ReadonlyMap<string, number> = new Map();

function directoryOf(...seeds: readonly string[]) {
  const clock = { ms: 0 };
  return { clock, nodes: new NodeDirectory(seeds, () => clock.ms) };
}

describe('a node that failed', () => {
  test('is suspected longer each time in a row, up to a bound, and is never given up', () => {
    const { clock, nodes } = directoryOf('a');
    const spans: number[] = [];
    for (let failure = 0; failure < 40; failure += 1) {
      nodes.failed('a');
      const startMs = clock.ms;
      while (nodes.isSuspect('a')) clock.ms += 10;
      spans.push(clock.ms - startMs);
    }
    expect(spans.slice(0, 4)).toEqual([250, 500, 1_000, 2_000]);
    expect(Math.max(...spans)).toBe(10_000);
    expect(nodes.next(nodes.order([]), untried)).toBe('a');
  });

  test('is asked last, and again like any other once it has answered', () => {
    const { nodes } = directoryOf('a', 'b');
    nodes.failed('a');
    nodes.failed('b');
    expect(nodes.next(['a', 'b'], untried)).toBe('a');
    nodes.answered('b');
    expect(nodes.next(['a', 'b'], untried)).toBe('b');
    // Within one call it is still preferred to a suspected node, however often it was tried.
    expect(nodes.next(['a', 'b'], new Map([['b', 7]]))).toBe('b');
    nodes.answered('a');
    expect(nodes.next(['a', 'b'], untried)).toBe('a');
    nodes.failed('a');
    expect([nodes.isSuspect('a'), nodes.isSuspect('b')]).toEqual([true, false]);
  });
});

describe('the addresses of a ring', () => {
  test('join, and leave when they are no longer in it; seeds stay', () => {
    const { nodes } = directoryOf('seed');
    nodes.advertise(['n1', 'n2']);
    expect(new Set(nodes.order([]))).toEqual(new Set(['seed', 'n1', 'n2']));
    nodes.advertise(['n2', 'n3']);
    expect(new Set(nodes.order([]))).toEqual(new Set(['seed', 'n2', 'n3']));
    expect(nodes.order(['n1', 'n3'])[0]).toBe('n3');
    nodes.advertise([]);
    expect(nodes.order(['n3'])).toEqual(['seed']);
  });

  test('are on trial until they answer, and step back together when one fails', () => {
    const { nodes } = directoryOf('seed');
    nodes.advertise(['n1', 'n2', 'n3']);
    nodes.answered('n3');
    nodes.failed('n1');
    expect(['seed', 'n1', 'n2', 'n3'].filter((url) => nodes.isSuspect(url))).toEqual(['n1', 'n2']);
    nodes.failed('n3');
    expect(nodes.isSuspect('n3')).toBe(true);
    expect(nodes.isSuspect('seed')).toBe(false);
  });

  test('that are not preferred take turns', () => {
    const { nodes } = directoryOf('a', 'b', 'c');
    const first = Array.from({ length: 6 }, () => nodes.order(['a'])[1]);
    expect(first.filter((url) => url === 'b')).toHaveLength(3);
    expect(first.filter((url) => url === 'c')).toHaveLength(3);
  });

  test('unknown to the directory do no harm', () => {
    const { nodes } = directoryOf('a');
    nodes.failed('gone');
    nodes.answered('gone');
    expect([nodes.isSuspect('gone'), nodes.isOnTrial('gone')]).toEqual([false, false]);
  });
});
