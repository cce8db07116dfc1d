import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageOpenError, openLevelStorage } from '../../src/adapters/level-storage.ts';
import type { Storage, StorageWrite } from '../../src/ports/storage.ts';
import { storageContract } from '../contract/storage-contract.ts';

const SMALLEST_WRITE_BUFFER_BYTES = 64 * 1024;

storageContract('level', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'quorate-level-'));
  let storage = await openLevelStorage({ directory });
  return {
    storage,
    reopen: async () => {
      await storage.close();
      storage = await openLevelStorage({ directory });
      return storage;
    },
    dispose: async () => {
      await storage.close();
      await rm(directory, { recursive: true });
    },
  };
});

describe('level storage', () => {
  let parent: string;
  let directory: string;
  const open: Storage[] = [];

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'quorate-level-'));
    directory = join(parent, 'deep', 'data');
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((storage) => storage.close()));
    await rm(parent, { recursive: true });
  });

  async function openSmall(): Promise<Storage> {
    const storage = await openLevelStorage({ directory, writeBufferBytes: SMALLEST_WRITE_BUFFER_BYTES });
    open.push(storage);
    return storage;
  }

  async function refusal(path: string): Promise<StorageOpenError> {
    const error = await openLevelStorage({ directory: path }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StorageOpenError);
    return error as StorageOpenError;
  }

  /** Fills several table files and closes. */
  async function filledDirectory(): Promise<void> {
    const storage = await openLevelStorage({ directory, writeBufferBytes: SMALLEST_WRITE_BUFFER_BYTES });
    for (let index = 0; index < 300; index += 1) await storage.write([entry(index)], { sync: false });
    await storage.close();
  }

  async function filesOf(pattern: RegExp): Promise<string[]> {
    const names = await readdir(directory);
    return names.filter((name) => pattern.test(name)).map((name) => join(directory, name));
  }

  function entry(index: number): StorageWrite {
    return { type: 'put', key: Buffer.from(`key ${index}`), value: Buffer.alloc(1024, index) };
  }

  it('creates its directory with the parents', async () => {
    await openSmall();
    expect(await filesOf(/^CURRENT$/)).toHaveLength(1);
  });

  it('says that another has the directory open', async () => {
    await openSmall();
    const error = await refusal(directory);
    expect(error.code).toBe('locked');
    expect(error.message).toContain(directory);
    expect(error.message).toContain('in use by another process');
  });

  it('says that a file is where the directory should be', async () => {
    const file = join(parent, 'file');
    await writeFile(file, '');
    for (const path of [file, join(file, 'below')]) {
      const error = await refusal(path);
      expect(error.code).toBe('unusable');
      expect(error.message).toContain('is not a directory');
    }
  });

  it.skipIf(process.getuid?.() === 0)('says that there is no permission', async () => {
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o500);
    const error = await refusal(directory);
    expect([error.code, error.message]).toEqual(['unusable', expect.stringContaining('no permission')]);
  });

  it.each([
    ['CURRENT is rubbish', /^CURRENT$/, 'rubbish'],
    ['the manifest is rubbish', /^MANIFEST/, 'rubbish'],
    ['the manifest is missing', /^MANIFEST/, undefined],
    ['tables are missing', /\.ldb$/, undefined],
  ])('says that it is damaged if %s', async (_, pattern, content) => {
    await filledDirectory();
    const files = await filesOf(pattern);
    expect(files).not.toHaveLength(0);
    for (const file of files) await (content === undefined ? rm(file) : writeFile(file, content));
    const error = await refusal(directory);
    expect(error.code).toBe('corrupt');
    expect(error.message).toContain('is damaged');
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('rejects reads that meet a damaged table, instead of finding nothing', async () => {
    await filledDirectory();
    for (const file of await filesOf(/\.ldb$/)) await writeFile(file, Buffer.alloc(300, 9));
    const storage = await openSmall();
    await expect((async () => storage.get(Buffer.from('key 1')))()).rejects.toThrow();
    const readAll = async (): Promise<void> => {
      for await (const _ of storage.range({ from: Buffer.from(''), to: Buffer.from('z') })) continue;
    };
    await expect(readAll()).rejects.toThrow();
  });

  it('takes no more writes after one failed, although the disk is well again, until it is opened again', async () => {
    const storage = await openSmall();
    await storage.write([entry(0)], { sync: true });
    // The next change of the log file fails, because its directory is gone.
    await rm(directory, { recursive: true });
    const writeMany = async (): Promise<void> => {
      for (let index = 1; index < 300; index += 1) await storage.write([entry(index)], { sync: false });
    };
    await expect(writeMany()).rejects.toThrow(/No such file/);
    await mkdir(directory, { recursive: true });
    for (const writes of [[entry(1)], []]) {
      const error = await storage.write(writes, { sync: true }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toContain('An earlier write failed');
      expect((error as Error).cause).toBeInstanceOf(Error);
    }
    expect(await storage.get(Buffer.from('key 0'))).toHaveLength(1024);
    await storage.close();
    const again = await openSmall();
    await again.write([entry(2)], { sync: true });
    expect(await again.get(Buffer.from('key 2'))).toHaveLength(1024);
  });
});
