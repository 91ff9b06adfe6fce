/** Exit codes of every command; they are part of the interface. */
export const EXIT = {
  ok: 0,
  /** A fault of the program or of the machine; the log has more. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** The command needs a running node, and there is none. */
  not_running: 3,
  /** Another process holds the storage folder. */
  locked: 4,
  /** A port or an address cannot be listened on. */
  cannot_listen: 5,
  /** `verify` found corrupt objects. */
  corrupt: 6,
  /** What was asked for is not there or not allowed. */
  refused: 7,
  /** The storage failed while the node was running; nothing acknowledged is lost. */
  storage_failed: 8,
  /** `adapters probe` saw less of an upstream than is declared of it. */
  differs: 9,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
