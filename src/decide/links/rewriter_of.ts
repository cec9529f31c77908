import type { LinkFormat } from "../../types.ts";
import { mapCargoTemplate } from "./cargo_template.ts";
import { behindBase, clientLink, type LinkContext } from "./client_link.ts";
import { HtmlLinks } from "./html_links.ts";
import { ANY_MEMBER, ELEMENT, JsonLinks, type JsonPath } from "./json_links.ts";
import { MirrorList } from "./mirror_list.ts";
import type { LinkRewriter, MapLink } from "./link_rewriter.ts";

/** https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
const NPM_PATHS: readonly JsonPath[] = [
  ["versions", ANY_MEMBER, "dist", "tarball"],
  // Of one version alone.
  ["dist", "tarball"],
];

/** https://packaging.python.org/en/latest/specifications/simple-repository-api/ */
const SIMPLE_INDEX_PATHS: readonly JsonPath[] = [["files", ELEMENT, "url"]];

/** https://doc.rust-lang.org/cargo/reference/registry-index.html#index-configuration */
const CARGO_PATHS: readonly JsonPath[] = [["dl"], ["api"]];

/** What replaces the links of a body that is written in a certain format. */
export function rewriterOf(
  format: LinkFormat,
  contentType: string | null,
  context: LinkContext,
): LinkRewriter {
  const map: MapLink = (link) => clientLink(link, context);
  switch (format) {
    case "npm-metadata":
      return new JsonLinks(NPM_PATHS, map);
    case "cargo-config":
      return new JsonLinks(CARGO_PATHS, (template) => mapCargoTemplate(template, map));
    case "mirror-list":
      return new MirrorList(map);
    case "simple-index":
      if (/\bjson\b/i.test(contentType ?? "")) return new JsonLinks(SIMPLE_INDEX_PATHS, map);
      if (/\bhtml\b/i.test(contentType ?? "")) return page(context);
      return new ByFirstByte(() => new JsonLinks(SIMPLE_INDEX_PATHS, map), () => page(context));
  }
}

function page(start: LinkContext): LinkRewriter {
  let context = start;
  return new HtmlLinks(
    (link) => clientLink(link, context),
    (href) => void (context = behindBase(href, context)),
  );
}

/** For a body that does not say what it is: one that begins with `{` is JSON. */
class ByFirstByte implements LinkRewriter {
  readonly #json: () => LinkRewriter;
  readonly #html: () => LinkRewriter;
  #rewriter: LinkRewriter | null = null;

  constructor(json: () => LinkRewriter, html: () => LinkRewriter) {
    this.#json = json;
    this.#html = html;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#rewriter !== null) return this.#rewriter.push(chunk);
    const first = chunk.find((byte) => byte > 0x20);
    if (first === undefined) return chunk;
    this.#rewriter = first === 0x7b ? this.#json() : this.#html();
    return this.#rewriter.push(chunk);
  }

  end(): Uint8Array {
    return this.#rewriter?.end() ?? new Uint8Array();
  }
}
