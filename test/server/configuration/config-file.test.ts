import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfiguration } from '../../../src/server/config-file.ts';
import { sampleFile } from './reading.ts';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-config-'));
  file = join(directory, 'cluster.config.json');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe('readConfiguration', () => {
  it('reads a file, with data beside it', async () => {
    await writeFile(file, JSON.stringify(sampleFile()));
    const result = await readConfiguration({ file, environment: {} });
    expect(result).toMatchObject({ type: 'valid', settings: { dataDir: join(directory, 'data') } });
  });

  it('takes the data directory that it is told over all others', async () => {
    await writeFile(file, JSON.stringify(sampleFile({ dataDir: 'a' })));
    const environment = { QUORATE_DATA_DIR: 'b' };
    const result = await readConfiguration({ file, environment, dataDirectory: '/c' });
    expect(result).toMatchObject({ type: 'valid', settings: { dataDir: '/c' } });
  });

  it('says that there is no file', async () => {
    expect(await readConfiguration({ file, environment: {} })).toMatchObject({
      type: 'invalid',
      isMissing: true,
      problems: [{ path: '', message: expect.stringContaining('no such file') as string }],
    });
  });

  it('says that it is a directory', async () => {
    await mkdir(file);
    expect(await readConfiguration({ file, environment: {} })).toMatchObject({
      type: 'invalid',
      isMissing: false,
      problems: [{ path: '', message: 'It is a directory.' }],
    });
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not read it', async () => {
    await writeFile(file, '{}');
    await chmod(file, 0);
    expect(await readConfiguration({ file, environment: {} })).toMatchObject({
      type: 'invalid',
      problems: [{ path: '', message: expect.stringContaining('may not read it') as string }],
    });
  });
});
