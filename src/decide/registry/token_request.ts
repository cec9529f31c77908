import type { Pattern } from "../../types.ts";
import { parseChallenges } from "./parse_challenges.ts";

/** Of realm, service and scope each, in UTF-16 units. */
const MAX_PARAM_UNITS = 2048;

/** Where tokens of an upstream may come from. */
export interface TokenRules {
  /** The upstream's base URL. */
  readonly server: string;
  /** On the token server's URL: it may have credentials; null: the upstream's own host alone. */
  readonly tokenRealm: Pattern | null;
  /** On the token server's URL: it may be asked without credentials. */
  readonly allowedRedirect: Pattern | null;
}

/** What to do about a refusal for lack of authentication. */
export type TokenDecision =
  | {
    readonly kind: "fetch";
    readonly url: string;
    /** Whether the upstream's user and password may go there. */
    readonly withCredentials: boolean;
  }
  /** No token would help. */
  | { readonly kind: "none" }
  | { readonly kind: "refuse"; readonly detail: string };

/**
 * Where the token is to be had that a registry asks for by `WWW-Authenticate: Bearer`
 * (https://distribution.github.io/distribution/spec/auth/token/). A registry cannot send us, or
 * what we know, anywhere: tokens come from its own host, or from where the config allows it.
 */
export function tokenRequest(
  wwwAuthenticate: string | null,
  { server, tokenRealm, allowedRedirect }: TokenRules,
): TokenDecision {
  const challenge = parseChallenges(wwwAuthenticate ?? "").find(({ scheme }) =>
    scheme === "bearer"
  );
  const realm = challenge?.params.get("realm");
  if (challenge === undefined || realm === undefined) return { kind: "none" };
  const service = challenge.params.get("service") ?? "";
  const scope = challenge.params.get("scope") ?? "";
  if ([realm, service, scope].some(({ length }) => length > MAX_PARAM_UNITS)) {
    return refuse("token request is too long");
  }
  const url = URL.parse(realm);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return refuse("token server that is not an HTTP URL");
  }
  url.hash = url.username = url.password = "";
  const own = new URL(server);
  if (own.protocol === "https:" && url.protocol === "http:") {
    return refuse(`token server ${url.origin} without TLS`);
  }
  const withCredentials = url.hostname === own.hostname && isSamePort(url, own) ||
    (tokenRealm?.test(url.href) ?? false);
  if (!withCredentials && !(allowedRedirect?.test(url.href) ?? false)) {
    return refuse(`token server ${url.origin} is not allowed`);
  }
  if (service !== "") url.searchParams.append("service", service);
  for (const part of scope.split(" ")) {
    if (part !== "") url.searchParams.append("scope", part);
  }
  return { kind: "fetch", url: url.href, withCredentials };
}

/** The step up from http to https included. */
function isSamePort(url: URL, own: URL): boolean {
  return url.protocol === own.protocol ? url.port === own.port : url.port === "" && own.port === "";
}

function refuse(detail: string): TokenDecision {
  return { kind: "refuse", detail };
}
