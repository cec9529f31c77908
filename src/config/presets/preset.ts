/**
 * What a preset may say. It is the file's own keys, so that `cache-proxy check --expand` can print
 * what it stands for; in each string `{at}` stands for where the upstream is mounted, as a part of a
 * regular expression that ends without a slash.
 */
export interface Preset {
  /** In an entry of `upstream`, where that has no such key of its own. */
  readonly upstream?: {
    readonly checkers?: readonly object[];
    readonly "allowed-redirect"?: string;
    readonly "allow-methods"?: readonly string[];
    readonly protocol?: "http" | "oci";
  };
  /** Behind what the file itself has in these lists, so that the file wins: the first match counts. */
  readonly cache?: {
    readonly policies?: readonly ExpandedRule[];
    readonly sets?: readonly ExpandedRule[];
    readonly variants?: readonly ExpandedRule[];
    readonly digests?: readonly ExpandedRule[];
  };
  readonly links?: readonly ExpandedRule[];
}

/** An entry of one of the file's lists of rules. */
export interface ExpandedRule {
  /** A regular expression on the client's path. */
  readonly match: string;
  readonly [key: string]: unknown;
}
