import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf, type Line } from '../../src/cli/import/lines.ts';
import { recordLineOf } from '../../src/cli/import/record-line.ts';

async function* chunksOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield part;
}

async function collect(parts: readonly Uint8Array[], maxLineBytes?: number): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(chunksOf(parts), maxLineBytes)) lines.push(line);
  return lines;
}

function line(text: string, number = 2): Line {
  return { number, bytes: Buffer.from(text), endOffset: 0 };
}

describe('lines', () => {
  it('are the same however the bytes are cut', async () => {
    const text = fc.stringMatching(/^[ab\r\n]{0,60}$/);
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(60), { maxLength: 8 }), async (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const places = [
          0,
          ...cuts.filter((cut) => cut <= bytes.length).toSorted((a, b) => a - b),
          bytes.length,
        ];
        const parts = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        const lines = await collect(parts);
        expect(lines.map(({ bytes: content }) => content?.toString())).toEqual(
          expected.map((content) => content.replace(/\r$/, '')),
        );
        expect(lines.map(({ number }) => number)).toEqual(expected.map((_, index) => index + 1));
        if (lines.length > 0) expect(lines.at(-1)?.endOffset).toBe(bytes.length);
      }),
    );
  });

  it('longer than the bound are skipped, and the next one is read', async () => {
    const lines = await collect([Buffer.from('abc\nabcd'), Buffer.from('efgh\nab\n')], 3);
    expect(lines.map(({ bytes }) => bytes?.toString())).toEqual(['abc', undefined, 'ab']);
  });
});

describe('a record line', () => {
  it.each([
    ['{"name":"Ås"}', 'Ås'],
    ['{"name":7}', '7'],
    ['{"name":"constructor","__proto__":1}', 'constructor'],
  ])('%s has the key %s', (text, key) => {
    expect(recordLineOf(line(text), 'cities', 'name')).toMatchObject({
      type: 'record',
      key,
      value: Buffer.from(text),
    });
  });

  it.each([
    ['{"name":""}', 'neither'],
    ['{"name":1.5}', 'neither'],
    ['{"name":1e300}', 'neither'],
    ['{"name":null}', 'neither'],
    ['{"name":{"a":1}}', 'neither'],
    ['{"other":1}', 'no field "name"'],
    ['[1]', 'an array'],
    ['null', 'null'],
    ['"text"', 'a string'],
    ['{"name":', 'not JSON'],
  ])('%s is malformed', (text, reason) => {
    const record = recordLineOf(line(text), 'cities', 'name');
    expect(record).toMatchObject({ type: 'malformed', reason: expect.stringContaining(reason) as string });
  });

  it('has no key from the prototype', () => {
    expect(recordLineOf(line('{}'), 'cities', '__proto__')).toMatchObject({ type: 'malformed' });
    expect(recordLineOf(line('{"__proto__":"k"}'), 'cities', '__proto__')).toMatchObject({ key: 'k' });
  });

  it('that is not UTF-8 is malformed', () => {
    const bytes = Buffer.from('{"name":"\u00e9"}', 'latin1');
    expect(recordLineOf({ number: 1, bytes, endOffset: 0 }, 'cities', 'name')).toMatchObject({
      reason: 'not UTF-8',
    });
  });

  it('loses a byte order mark on the first line only', () => {
    const text = '\u{feff}{"name":"a"}';
    expect(recordLineOf(line(text, 1), 'cities', 'name')).toMatchObject({ type: 'record', key: 'a' });
    expect(recordLineOf(line(text, 2), 'cities', 'name')).toMatchObject({ type: 'malformed' });
  });

  it('is taken over with its spaces and its digits, without its line end', async () => {
    const text = ' {"name": "a", "n": 12345678901234567890.10} \r\n';
    const [only] = await collect([Buffer.from(text)]);
    const record = recordLineOf(only as Line, 'cities', 'name');
    expect(record).toMatchObject({ value: Buffer.from(text.slice(0, -2)) });
  });

  it('of a skipped line is malformed, and the bound is named', () => {
    const skipped = recordLineOf({ number: 5, bytes: undefined, endOffset: 0 }, 'cities', 'name');
    expect(skipped).toMatchObject({ type: 'malformed', reason: 'longer than 16777216 bytes' });
  });

  it('nested beyond any sense is malformed, not a crash', () => {
    const deep = `{"name":"a","deep":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(['record', 'malformed']).toContain(recordLineOf(line(deep), 'cities', 'name').type);
  });

  it('has a write id that follows from bucket, key and content, not from its place', () => {
    const writeId = (text: string, bucket = 'cities', number = 2, field = 'name') => {
      const record = recordLineOf(line(text, number), bucket, field);
      return record.type === 'record' ? record.writeId : undefined;
    };
    const text = '{"name":"a","id":"b"}';
    expect(writeId(text)).toMatch(/^import-[0-9a-f]{40}$/);
    expect(writeId(text, 'cities', 9)).toBe(writeId(text));
    const others = [
      writeId(`${text} `),
      writeId(text, 'towns'),
      writeId(text, 'cities', 2, 'id'),
      writeId(text),
    ];
    expect(new Set(others).size).toBe(4);
  });
});
