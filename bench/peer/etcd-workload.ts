/** What is asked of etcd, for comparison. */

/** One kind of request, by the JSON gateway of its v3 API. */
export interface EtcdWorkload {
  readonly type: 'etcd';
  /**
   * `put` of a key that was never written, `load` of the keys to read; `range` reads them, linearizable, `range-serializable`
   * from the node's own copy; `compare-and-swap` is a transaction on a key of the connection's own, which writes if its
   * version is the one that was last written.
   */
  readonly operation: 'put' | 'load' | 'range' | 'range-serializable' | 'compare-and-swap';
}
