import { readFileSync } from 'node:fs';

interface PackageFile {
  readonly version: string;
}

/** The version in package.json, which lies two levels up both in the sources and in what is built from them. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as PackageFile
).version;
