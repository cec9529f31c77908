import { addressList } from "../decide/address_list.ts";
import { clientAddress } from "../decide/client_address.ts";
import { publicBase, type PublicSettings } from "../decide/public_base.ts";
import type { ClientRequest } from "./client_request.ts";

/** What of the config says how requests arrive. */
export interface ArrivalSettings {
  readonly publicUrl: string | null;
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** Whether clients come by TLS. */
  readonly isTls: boolean;
}

/** Of `X-Forwarded-For`, in UTF-16 units. */
const MAX_FORWARDED_UNITS = 256;

/** Who asks, and by which name of ours: what servers in front say, where they are trusted. */
export class Arrivals {
  readonly #settings: PublicSettings;
  readonly #scheme: "http" | "https";
  readonly #trustsNobody: boolean;

  constructor({ publicUrl, trustedProxies, isTls }: ArrivalSettings) {
    this.#settings = { publicUrl, trustedProxies: addressList(trustedProxies) };
    this.#scheme = isTls ? "https" : "http";
    this.#trustsNobody = trustedProxies.length === 0;
  }

  /** The client's address; empty when it has none. */
  clientOf(request: ClientRequest): string {
    if (this.#trustsNobody) return request.client;
    return clientAddress(factsOf(request), this.#settings.trustedProxies);
  }

  /**
   * What tells clients apart. Where no server in front is known, what anybody says of itself counts
   * as well: who makes that up takes nobody in but themselves.
   */
  identityOf(request: ClientRequest): string {
    if (!this.#trustsNobody) return this.clientOf(request);
    const forwarded = request.headers.get("x-forwarded-for") ?? "";
    return `${request.client} ${forwarded.slice(0, MAX_FORWARDED_UNITS)}`;
  }

  /**
   * The URL by which the client calls us, as `publicBase` finds it. null also for a client that asks
   * us as a proxy: it knows none of our names.
   */
  baseOf(request: ClientRequest): string | null {
    const host = request.form === "origin" ? request.headers.get("host") ?? hostOf(request) : null;
    return publicBase({ ...factsOf(request), scheme: this.#scheme, host }, this.#settings);
  }
}

function factsOf({ client, headers }: ClientRequest) {
  return { peer: client, field: (name: string) => headers.get(name) };
}

/** HTTP/2 has the authority in place of the Host field. */
function hostOf({ url }: ClientRequest): string | null {
  return /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? null;
}
