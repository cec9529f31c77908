/** What cargo replaces in `dl`: https://doc.rust-lang.org/cargo/reference/registry-index.html */
const MARKER = /\{(crate|version|prefix|lowerprefix|sha256-checksum)\}/g;

/** Stands for a marker while a template goes through a URL; no path of a registry has it. */
const PLACEHOLDER = /cargo-marker-([0-4])-/g;

const NAMES = ["crate", "version", "prefix", "lowerprefix", "sha256-checksum"];

/**
 * Maps a base URL or a template of cargo's `config.json`.
 *
 * @param map Is given a URL that ends in a slash, or in what a marker stands for.
 */
export function mapCargoTemplate(
  template: string,
  map: (link: string) => string | null,
): string | null {
  if (template.search(MARKER) === -1) {
    // Without markers cargo adds `/<crate>/<version>/download`.
    const mapped = map(template.replace(/\/*$/, "/"));
    return mapped === null ? null : template.endsWith("/") ? mapped : mapped.replace(/\/$/, "");
  }
  const marked = template.replaceAll(
    MARKER,
    (_, name: string) => `cargo-marker-${NAMES.indexOf(name)}-`,
  );
  // A host that differs from crate to crate leads nowhere in particular.
  const host = URL.parse(marked)?.hostname;
  if (host === undefined || host.includes("cargo-marker-")) return null;
  return map(marked)?.replaceAll(PLACEHOLDER, (_, index) => `{${NAMES[Number(index)]}}`) ?? null;
}
