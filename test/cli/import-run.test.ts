import { describe, expect, it } from 'vitest';
import { QuorateError } from '../../src/client/errors.ts';
import { importLines, type RecordWrite, type WriteRecord } from '../../src/cli/import/import-run.ts';
import { ImportTally } from '../../src/cli/import/import-tally.ts';
import { linesOf, type Line } from '../../src/cli/import/lines.ts';

async function* chunksOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield part;
}

interface RunOptions {
  readonly write?: WriteRecord;
  readonly lines?: AsyncIterable<Line>;
  readonly maxBytesInFlight?: number;
  readonly strict?: boolean;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

async function run(text: string, options: RunOptions = {}) {
  const tally = new ImportTally();
  const records: RecordWrite[] = [];
  const stopped = await importLines({
    lines: options.lines ?? linesOf(chunksOf([Buffer.from(text)])),
    ...(options.maxBytesInFlight === undefined ? {} : { maxBytesInFlight: options.maxBytesInFlight }),
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

  it('bounds the bytes in flight too, but takes a record that is larger than the bound alone', async () => {
    let bytes = 0;
    let most = 0;
    let alone = true;
    const write = async ({ value }: RecordWrite) => {
      if (value.length > 100) alone &&= bytes === 0;
      bytes += value.length;
      most = Math.max(most, bytes);
      await new Promise((resolve) => setImmediate(resolve));
      bytes -= value.length;
      return { siblings: 1 };
    };
    const line = (index: number) => `{"name":"k${index}"${' '.repeat(index === 20 ? 200 : 10)}}\n`;
    const text = Array.from({ length: 40 }, (_, index) => line(index)).join('');
    const { summary } = await run(text, { write, concurrency: 30, maxBytesInFlight: 100 });
    expect(summary.written).toBe(40);
    expect(most).toBeGreaterThan(200);
    expect(alone).toBe(true);
    const { summary: short } = await run(text.replace(/ {200}/, ''), {
      write: async (record) => {
        const answer = await write(record);
        expect(bytes).toBeLessThanOrEqual(100);
        return answer;
      },
      concurrency: 30,
      maxBytesInFlight: 100,
    });
    expect(short.written).toBe(40);
  });

  it('waits for the records in flight when the file cannot be read further, and says where', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"name":"a"}\n{"name":"b"}\n{"na');
      throw new Error('EIO: i/o error');
    };
    const write = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return { siblings: 1 };
    };
    const { summary, exitCode } = await run('', { lines: linesOf(broken()), write });
    expect(summary).toMatchObject({ written: 2, stopped: 'line 3 could not be read: EIO: i/o error' });
    expect(exitCode).toBe(1);
  });

  it('begins no record after a reason to stop, even one that waited for its turn', async () => {
    const interrupt = new AbortController();
    const write = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      interrupt.abort();
      return { siblings: 1 };
    };
    const text = '{"name":"a"}\n{"name":"b"}\n{"name":"c"}\n';
    const { summary, records } = await run(text, { write, signal: interrupt.signal, concurrency: 1 });
    expect(records).toHaveLength(1);
    expect(summary.stopped).toBe('interrupted before line 2');
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
