/** What is asked of etcd, for comparison. */

/** One kind of request. */
export interface EtcdWorkload {
  readonly type: 'etcd';
  /**
   * By the JSON gateway of the v3 API: `put` of a key that was never written, `load` of the keys to read; `range` reads them,
   * linearizable, `range-serializable` from the node's own copy; `compare-and-swap` is a transaction on a key of the
   * connection's own, which writes if its version is the one that was last written.
   *
   * By the old v2 API, which has HTTP of its own and no gateway: the same without transactions. It tells what the gateway costs.
   */
  readonly operation:
    | 'put'
    | 'load'
    | 'range'
    | 'range-serializable'
    | 'compare-and-swap'
    | 'v2-put'
    | 'v2-load'
    | 'v2-get-quorum'
    | 'v2-get';
}
