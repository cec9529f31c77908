import { type AddressList, plainAddress } from "./address_list.ts";
import { parseForwarded } from "./forwarded_field.ts";
import type { ArrivalFacts } from "./public_base.ts";

/** Proxies in a row that are looked behind. */
const MAX_HOPS = 20;

/**
 * The address of the client itself: behind trusted proxies what these say (`X-Forwarded-For`, else
 * `Forwarded`), read from the nearest on and up to the first that is not trusted, whose word counts
 * for nothing.
 */
export function clientAddress(
  { peer, field }: Pick<ArrivalFacts, "peer" | "field">,
  trustedProxies: AddressList,
): string {
  if (!trustedProxies(peer)) return peer;
  let client = peer;
  const said = saidAddresses(field).slice(-MAX_HOPS);
  for (let at = said.length - 1; at >= 0 && trustedProxies(client); at--) {
    const address = withoutPort(said[at] ?? "");
    // `unknown`, `_hidden` (RFC 7239 section 6) or nonsense: nobody knows further.
    if (address === null) break;
    client = address;
  }
  return client;
}

function saidAddresses(field: ArrivalFacts["field"]): readonly string[] {
  const listed = field("x-forwarded-for");
  if (listed !== null) return listed.split(",").map((value) => value.trim());
  return parseForwarded(field("forwarded") ?? "").map((element) => element.for ?? "");
}

function withoutPort(text: string): string | null {
  const bare = /^(\[[^\]]*\]|[0-9.]+)(?::\d{1,5})?$/.exec(text)?.[1] ?? text;
  return plainAddress(bare);
}
