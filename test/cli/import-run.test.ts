import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuorateError } from '../../src/client/errors.ts';
import { importLines, type RecordWrite, type WriteRecord } from '../../src/cli/import/import-run.ts';
import { ImportTally } from '../../src/cli/import/import-tally.ts';
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

interface RunOptions {
  readonly write?: WriteRecord;
  readonly strict?: boolean;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

async function run(text: string, options: RunOptions = {}) {
  const tally = new ImportTally();
  const records: RecordWrite[] = [];
  const stopped = await importLines({
    lines: linesOf(chunksOf([Buffer.from(text)])),
    bucket: 'cities',
    keyField: 'name',
    concurrency: options.concurrency ?? 4,
    strict: options.strict ?? false,
    tally,
    onOffset: () => {},
    signal: options.signal ?? new AbortController().signal,
    write: async (record) => {
      records.push(record);
      return options.write === undefined ? { siblings: 1 } : options.write(record);
    },
  });
  return { summary: tally.summary(1, stopped), exitCode: tally.exitCode(), records };
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

describe('an import', () => {
  it('writes what is a record, lists what is not, and goes on', async () => {
    const { summary, exitCode, records } = await run('\n{"name":"a"}\nrubbish\n  \n{"id":1}\n{"name":"b"}');
    expect(records.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(summary).toMatchObject({ records: 2, written: 2, malformed: 2, failed: 0, bytes: 24 });
    expect(summary.lines.map(({ line: number }) => number)).toEqual([3, 5]);
    expect(exitCode).toBe(1);
  });

  it('gives the same write ids when it runs again, also after a line was put in above', async () => {
    const text = '{"name":"a"}\n{"name":"b"}\n';
    const ids = async (content: string) => (await run(content)).records.map(({ writeId }) => writeId);
    const first = await ids(text);
    expect(await ids(text)).toEqual(first);
    expect((await ids(`{"name":"new"}\n${text}`)).slice(1)).toEqual(first);
  });

  it('lists twenty lines and counts all', async () => {
    const { summary } = await run('x\n'.repeat(50));
    expect(summary.malformed).toBe(50);
    expect(summary.lines).toHaveLength(20);
  });

  it('never has more writes in flight than allowed, and uses what is allowed', async () => {
    let inFlight = 0;
    let most = 0;
    const write = async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return { siblings: 1 };
    };
    const text = Array.from({ length: 40 }, (_, index) => `{"name":"k${index}"}\n`).join('');
    const { summary } = await run(text, { write, concurrency: 5 });
    expect(summary.written).toBe(40);
    expect(most).toBe(5);
  });

  const failing = (code: string, outcome: 'not-applied' | 'unknown') => async (record: RecordWrite) => {
    if (record.key === 'bad') throw new QuorateError('refused', { code, outcome });
    return { siblings: 2 };
  };
  const text = '{"name":"a"}\n{"name":"bad"}\n{"name":"c"}\n';

  it.each([
    ['quorum-timeout', 'unknown', 7],
    ['quorum-unavailable', 'not-applied', 6],
    ['too-large', 'not-applied', 1],
  ] as const)('counts %s %s, exit code %i', async (code, outcome, exitCode) => {
    const result = await run(text, { write: failing(code, outcome) });
    expect(result.exitCode).toBe(exitCode);
    expect(result.summary).toMatchObject({
      written: 2,
      withSiblings: 2,
      failed: outcome === 'unknown' ? 0 : 1,
      unknown: outcome === 'unknown' ? 1 : 0,
      errorsByCode: [{ code, records: 1 }],
      lines: [{ line: 2, key: 'bad', code, message: 'refused' }],
    });
  });

  it('stops at the first failure with strict', async () => {
    const { summary, records } = await run(text, {
      write: failing('too-large', 'not-applied'),
      strict: true,
      concurrency: 1,
    });
    expect(summary.stopped).toContain('line 2');
    expect(records.map(({ key }) => key)).toEqual(['a', 'bad']);
  });

  it('stops when no quorum is found for very many in a row', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `{"name":"k${index}"}\n`).join('');
    const write = async () => {
      throw new QuorateError('nobody', { code: 'unreachable' });
    };
    const { summary } = await run(many, { write });
    expect(summary.stopped).toContain('256 records in a row');
    expect(summary.failed).toBeLessThan(300);
  });

  it('ends with the records in flight when it is interrupted', async () => {
    const interrupt = new AbortController();
    const write = async (record: RecordWrite) => {
      if (record.key === 'bad') interrupt.abort();
      return { siblings: 1 };
    };
    const { summary } = await run(text, { write, signal: interrupt.signal, concurrency: 1 });
    expect(summary.stopped).toContain('interrupted');
    expect(summary.written).toBe(2);
  });

  it('refuses a JSON array with the way out', async () => {
    await expect(run('\n [{"name":"a"}]')).rejects.toMatchObject({
      exitCode: 2,
      hint: expect.stringContaining('jq -c') as string,
    });
  });

  it('throws what no write should throw', async () => {
    const bug = new TypeError('bug');
    await expect(run(text, { write: async () => Promise.reject(bug) })).rejects.toBe(bug);
  });
});
