import { expect, it } from 'vitest';
import { NOTHING, VersionChain } from './version-chain.ts';

function chain(...etags: readonly string[]): VersionChain {
  const made = new VersionChain();
  etags.forEach((etag, index) => {
    const moment = { beganMs: index * 10, endedMs: index * 10 + 5 };
    made.saw({ ...moment, etag, value: `value of ${etag}`, parent: etags[index - 1] ?? NOTHING });
  });
  return made;
}

it('finds nothing wrong with one chain, seen in order or at once', () => {
  const made = chain('a', 'b', 'c');
  made.sawNothing(-5, -1);
  made.saw({ etag: 'a', value: 'value of a', parent: NOTHING, beganMs: 11, endedMs: 50 });
  made.refused('something else');
  expect(made.judge()).toEqual([]);
});

it('finds two writes that replaced one version', () => {
  const made = chain('a', 'b');
  made.saw({ etag: 'c', value: 'value of c', parent: 'a', beganMs: 30, endedMs: 31 });
  expect(made.judge()).toContain('b and c both replaced a');
});

it('finds a version that is shown after a newer one, also that there is nothing', () => {
  const made = chain('a', 'b', 'c');
  made.saw({ etag: 'a', value: 'value of a', parent: NOTHING, beganMs: 16, endedMs: 17 });
  expect(made.judge()).toEqual(['a (1) was shown after version 2 had been']);
  const gone = chain('a');
  gone.sawNothing(6, 7);
  expect(gone.judge()).toEqual(['nothing (0) was shown after version 1 had been']);
});

it('finds a write that was refused and has appeared', () => {
  const made = chain('a', 'b');
  made.refused('value of b');
  expect(made.judge()).toEqual(['value of b was refused, and has appeared']);
});

it('finds one ETag of two values, and a version that replaced none that there was', () => {
  const made = chain('a');
  made.saw({ etag: 'a', value: 'another', parent: NOTHING, beganMs: 6, endedMs: 7 });
  made.saw({ etag: 'z', value: 'value of z', parent: 'y', beganMs: 8, endedMs: 9 });
  expect(made.judge()).toEqual(['a is the ETag of value of a and another', 'z is on no chain']);
});
