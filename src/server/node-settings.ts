/** Settings of a node that do not concern placement; all nodes of one file share them. */
export interface NodeSettings {
  /** Absolute. Each node keeps its data in a directory of its id below. */
  readonly dataDir: string;
  readonly storage: {
    /** Whether an acknowledgement waits for the disk. */
    readonly fsync: boolean;
    /** Bytes of free space below which writes are refused; 0 turns the check off. */
    readonly reserveBytes: number;
    /** Bytes of LevelDB's write buffer. */
    readonly writeBufferBytes: number;
  };
  readonly tombstones: {
    /** Milliseconds for which records of deleted keys are kept at least; undefined: for ever. */
    readonly reapAfterMs: number | undefined;
  };
  readonly reads: {
    /** Share of the reads that ask all home replicas: 0 to 1. */
    readonly askAllShare: number;
  };
  readonly cors: {
    /** Origins whose pages may call the API; `*` is any. */
    readonly origins: readonly string[];
  };
  readonly auth: {
    /** None: everybody may do everything. */
    readonly tokens: readonly TokenSetting[];
  };
  /** What peers have to prove that they know; undefined: nothing. */
  readonly peerSecret: string | undefined;
  readonly log: { readonly level: LogLevel };
}

export interface TokenSetting {
  readonly token: string;
  readonly access: 'read' | 'write';
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
