/** What the platform reads to know whose certificates to trust. */
const STORE_VARIABLE = "DENO_TLS_CA_STORE";

/**
 * Lets TLS to upstreams trust the authorities of the system (`SSL_CERT_FILE`, `/etc/ssl/certs`, …)
 * beside Mozilla's, which alone the platform would take: an office with an authority of its own has
 * put it there. Whoever has set `DENO_TLS_CA_STORE` is left alone.
 *
 * To be called before the first connection. Returns what is wrong with the system's store, null when
 * it is usable; then Mozilla's authorities are trusted alone.
 */
export function trustSystemCertificates(): string | null {
  if ((Deno.env.get(STORE_VARIABLE) ?? "") !== "") return null;
  Deno.env.set(STORE_VARIABLE, "system,mozilla");
  try {
    // The store is loaded with the first client.
    Deno.createHttpClient({}).close();
    return null;
  } catch (error) {
    Deno.env.set(STORE_VARIABLE, "mozilla");
    return error instanceof Error ? error.message : String(error);
  }
}
