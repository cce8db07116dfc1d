/**
 * What may be there at once, or only later. Most reads of the own disk are answered at once, and a promise for each step of such
 * a read would cost more than the read.
 */
export type MaybeLater<Value> = Value | Promise<Value>;

/** Goes on with a value when it is there: now, if it is there already. */
export function afterwards<Value, Result>(
  value: MaybeLater<Value>,
  next: (value: Value) => MaybeLater<Result>,
): MaybeLater<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
