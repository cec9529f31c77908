/** A server that is running, to be put under load. */
export interface Server extends AsyncDisposable {
  /** Base URL without a slash at its end. */
  readonly url: string;
  /** What its processes have used of the processor since they began, in seconds. */
  cpuSeconds(): number;
  /** What its processes hold in memory now, in bytes; shared pages count in each. */
  residentBytes(): number;
}

/** What takes part in a work: it can be started. */
export interface Contestant {
  readonly name: string;
  /** For the record. */
  readonly version: string;
  start(): Promise<Server>;
}

/** Where a server is to run. */
export interface Place {
  /** Its own folder, empty; removed at the end. */
  readonly folder: string;
  /** Free on loopback. */
  readonly port: number;
  /** Base URLs of the origin. Servers that know one upstream take the first. */
  readonly upstreams: readonly string[];
  /** Processes or threads that serve. */
  readonly workers: number;
}

/** A program that serves as a cache: ours or another. */
export interface Peer {
  readonly name: string;
  /** Looked for on the PATH; null: nothing is needed. */
  readonly program: string | null;
  version(): Promise<string>;
  /** @throws When it does not listen within ten seconds, with what it said. */
  start(place: Place): Promise<Server>;
}
