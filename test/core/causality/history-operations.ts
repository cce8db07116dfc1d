/** What can happen in a random history, and how often. */

export type Operation =
  | 'read'
  | 'write'
  | 'blind-write'
  | 'delete'
  | 'retry'
  | 'replicate'
  | 'send'
  | 'deliver'
  | 'forget'
  | 'restart'
  | 'snapshot'
  | 'rollback';

/** How often an operation is drawn, relative to the others. */
const WEIGHTS: readonly (readonly [Operation, number])[] = [
  ['read', 20],
  ['write', 20],
  ['blind-write', 10],
  ['delete', 5],
  ['retry', 9],
  ['replicate', 18],
  ['send', 4],
  ['deliver', 4],
  ['forget', 6],
  ['restart', 3],
  ['snapshot', 4],
  ['rollback', 4],
];
/** Every operation as often as it is to be drawn. */
export const OPERATIONS: readonly Operation[] = WEIGHTS.flatMap(([operation, weight]) =>
  Array<Operation>(weight).fill(operation),
);
