/** Header fields of a request; names in lower case. */
export interface RequestFields extends Iterable<readonly [string, string]> {
  /** The value of a field, several lines of it joined by commas; null when there is none. */
  get(name: string): string | null;
}

/** A request of a client, whichever server has read it from the wire. */
export interface ClientRequest {
  readonly method: string;
  /** Scheme, authority and the target as it was sent, as `parseTarget` takes it. */
  readonly url: string;
  readonly headers: RequestFields;
  readonly body: ReadableStream<Uint8Array> | null;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  /** Whether another worker sends the answer, which reads a growing file by itself. */
  readonly isRemote?: boolean;
  /** The address of whoever has the connection to us; empty when it has none. */
  readonly client: string;
  /** Whether a path was sent, or a whole URL as a proxy is sent it (RFC 9112 section 3.2). */
  readonly form: "origin" | "absolute";
  /** Where the connection came in; null: not known. */
  readonly local: { readonly hostname: string; readonly port: number } | null;
}
