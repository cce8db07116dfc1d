/** Checks each value of a document by itself, and leaves what passed. */
import { didYouMean } from '../did-you-mean.ts';
import { knownKeys, PLAIN_SETTINGS } from './known-settings.ts';
import { formatPath, type ProblemList, type SettingPath } from './problem.ts';
import { removeValue, type RawDocument } from './raw-document.ts';
import { fileSchema, type FileDocument } from './schema.ts';

/** A document from which everything may be missing that was wrong, but in which nothing is of a wrong type. */
export type Passed<T> =
  T extends ReadonlyMap<string, infer Value>
    ? ReadonlyMap<string, Passed<Value> | undefined>
    : T extends readonly (infer Element)[]
      ? readonly (Passed<Element> | undefined)[]
      : T extends object
        ? { readonly [Key in keyof T]?: Passed<T[Key]> | undefined }
        : T;

/** Adds a problem for each value that is not allowed and each key that is not known; takes the values out of the document. */
export function checkValues(document: RawDocument, problems: ProblemList): Passed<FileDocument> {
  const result = fileSchema.safeParse(document);
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path as SettingPath;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) problems.add([...path, key], unknownKey(key, path));
    } else {
      problems.add(path, issue.message);
      removeValue(document, path);
    }
  }
  // No rule changes a value, so what is left of the input is what a parse of it would give.
  return document;
}

/** A neighbour that differs only in case is meant before a setting of this name elsewhere, and that before look-alikes. */
function unknownKey(key: string, path: SettingPath): string {
  const keys = knownKeys(path);
  const isKey = (name: unknown): boolean => String(name).toLowerCase() === key.toLowerCase();
  const elsewhere = PLAIN_SETTINGS.find((setting) => isKey(setting.path.at(-1)));
  const advice =
    !keys.some(isKey) && elsewhere !== undefined
      ? ` Did you mean "${formatPath(elsewhere.path)}"?`
      : didYouMean(key, keys);
  const allowed = keys.map((known) => `"${known}"`).join(', ');
  return `There is no such setting.${advice === '' ? ` Here may stand ${allowed}.` : advice}`;
}
