import type { AddressList } from "./address_list.ts";
import { parseForwarded } from "./forwarded_field.ts";

/** What is known of a request where it arrives. */
export interface ArrivalFacts {
  /** The address of whoever has the connection to us; empty when it has none. */
  readonly peer: string;
  /** Of the listener that it came by. */
  readonly scheme: "http" | "https";
  /** The authority that was asked for: the Host field; null when there is none. */
  readonly host: string | null;
  /** The value of a request field by its lower-case name, lines joined by commas; null without. */
  field(name: string): string | null;
}

/** Whom to believe. */
export interface PublicSettings {
  /** `listen.public-url`, without a slash at its end; null: what requests say counts. */
  readonly publicUrl: string | null;
  /** `listen.trusted-proxies`. */
  readonly trustedProxies: AddressList;
}

/** A host name or an address, as a link can hold it, and a port: no userinfo, no escapes. */
const AUTHORITY =
  /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?)(?::(\d{1,5}))?$/;

const PREFIX = /^(?:\/[\w.~!$&'()*+,;=:@-]+)*\/?$/;

const MAX_PREFIX_CHARS = 1024;

const MAX_PORT = 65_535;

/**
 * The URL under which the client has reached us, without a slash at its end: what links to us begin
 * with. From the config; else from what a trusted front server says (`X-Forwarded-Proto`, `-Host`,
 * `-Port`, `-Prefix`, else `Forwarded`, RFC 7239); else from the Host field. Of a field with several
 * values the last counts, which is the one that our neighbour has written.
 *
 * null: nothing that could stand in a link was said.
 */
export function publicBase(facts: ArrivalFacts, settings: PublicSettings): string | null {
  const { publicUrl, trustedProxies } = settings;
  if (publicUrl !== null) return publicUrl;
  const said = trustedProxies(facts.peer) ? forwardedBase(facts) : {};
  const scheme = schemeOf(said.proto) ?? facts.scheme;
  const authority = readAuthority(said.host ?? facts.host);
  if (authority === null) return null;
  const port = portOf(said.port) ?? authority.port;
  const isDefault = port === null || port === (scheme === "https" ? 443 : 80);
  const prefix = prefixOf(said.prefix);
  return `${scheme}://${authority.name}${isDefault ? "" : `:${port}`}${prefix}`;
}

/** What a front server says; absent: nothing. */
interface Said {
  readonly proto?: string | null;
  readonly host?: string | null;
  readonly port?: string | null;
  readonly prefix?: string | null;
}

function forwardedBase({ field }: ArrivalFacts): Said {
  const [proto, host, port, prefix] = ["proto", "host", "port", "prefix"]
    .map((name) => lastValue(field(`x-forwarded-${name}`)));
  // A server that writes the one kind hands the client's own of the other kind through.
  if ((proto ?? host ?? port ?? prefix ?? null) !== null) {
    return { proto: proto ?? null, host: host ?? null, port: port ?? null, prefix: prefix ?? null };
  }
  const nearest = parseForwarded(field("forwarded") ?? "").at(-1);
  return { proto: nearest?.proto ?? null, host: nearest?.host ?? null };
}

function lastValue(field: string | null): string | null {
  const value = field?.split(",").at(-1)?.trim() ?? "";
  return value === "" ? null : value;
}

function schemeOf(said: string | null | undefined): "http" | "https" | null {
  const scheme = said?.toLowerCase();
  return scheme === "http" || scheme === "https" ? scheme : null;
}

function readAuthority(text: string | null): { name: string; port: number | null } | null {
  const [, name, port] = AUTHORITY.exec(text?.toLowerCase() ?? "") ?? [];
  if (name === undefined) return null;
  if (port === undefined) return { name, port: null };
  const number = portOf(port);
  return number === null ? null : { name, port: number };
}

function portOf(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= MAX_PORT ? port : null;
}

function prefixOf(text: string | null | undefined): string {
  if (text === null || text === undefined || text.length > MAX_PREFIX_CHARS) return "";
  if (!PREFIX.test(text) || /(?:^|\/)\.\.?(?:\/|$)/.test(text)) return "";
  return text.replace(/\/$/, "");
}
