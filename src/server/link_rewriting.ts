import { getLogger } from "@logtape/logtape";
import type { Outcome } from "../cache/outcome.ts";
import { firstValue } from "../decide/fields.ts";
import { linkContext, mountsText } from "../decide/links/link_places.ts";
import type { LinkRewriter } from "../decide/links/link_rewriter.ts";
import { npmSpelling } from "../decide/links/npm_spelling.ts";
import { ownEtag } from "../decide/links/own_etag.ts";
import { rewriterOf } from "../decide/links/rewriter_of.ts";
import { FilePart } from "../storage/read_file.ts";
import type { BodyHead, Entry, HeaderList, LinkRule, Target, Upstream } from "../types.ts";
import { streamOf } from "./body_stream.ts";
import type { ClientRequest } from "./client_request.ts";
import type { Exchange } from "./exchange.ts";
import type { Answer } from "./representation.ts";
import { rewritingStream, rewrittenBody } from "./rewriting_stream.ts";
import { SMALL_BODY_BYTES } from "./serve_stored.ts";

const log = getLogger(["cache-proxy", "server"]);

/** What is said of the bytes as they came: RFC 9530 and what was there before it. */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  ...["content-digest", "repr-digest", "digest", "content-md5"],
]);

/** What rewriting takes. */
export interface LinkRewritingParts {
  /** The first that matches counts. */
  readonly rules: readonly LinkRule[];
  readonly upstreams: readonly Upstream[];
  /** What the client has reached us by, without a slash at its end; null: nobody knows. */
  readonly publicBaseOf: (request: ClientRequest) => string | null;
}

/** An answer that has a representation. */
type Described = Extract<Outcome, { kind: "stored" | "filling" | "passing" | "head" }>;

/** Answers without links being rewritten. */
type Serve = (outcome: Outcome, exchange: Exchange) => Promise<Answer | null>;

/**
 * Lets links in documents of mirrors lead to us. What is stored stays as it came; each answer is
 * rewritten on its way out, for the address by which its client has reached us.
 */
export class LinkRewriting {
  readonly #parts: LinkRewritingParts;
  readonly #mounts: string;
  /** Upstreams that were found to send encoded documents. */
  readonly #toldOf = new Set<string>();

  constructor(parts: LinkRewritingParts) {
    this.#parts = parts;
    this.#mounts = mountsText(parts.upstreams);
  }

  /** The target as upstreams are to be asked for it. */
  spelled(target: Target): Target {
    return this.#ruleFor(target)?.format === "npm-metadata" ? npmSpelling(target) : target;
  }

  /** How an outcome is answered: by `serve`, or in another form of what that gives. */
  async answer(outcome: Outcome, exchange: Exchange, serve: Serve): Promise<Answer | null> {
    const rule = this.#ruleFor(exchange.target);
    if (rule === null || !isDescribed(outcome)) return await serve(outcome, exchange);
    const described = outcome.kind === "stored" ? outcome.entry : outcome.head;
    const publicBase = this.#parts.publicBaseOf(exchange.request);
    const isNamed = publicBase !== null && URL.canParse(publicBase);
    if (!isNamed || described.status !== 200 || this.#isEncoded(described)) {
      return await serve(outcome, exchange);
    }
    const etag = ownEtag({
      ...described,
      storedAt: outcome.kind === "stored" ? outcome.entry.storedAt : null,
      ...{ publicBase, mounts: this.#mounts },
    });
    const answer = await serve(renamed(outcome, etag), withoutRange(outcome, exchange));
    if (answer === null) return null;
    const context = linkContext(
      exchange.target,
      described.upstream,
      this.#parts.upstreams,
      publicBase,
    );
    const type = firstValue(described.headers, "content-type");
    return await rewritten(answer, exchange, rewriterOf(rule.format, type, context));
  }

  /** Whether an answer depends on who has asked, so that it is not for whoever asks next. */
  appliesTo(target: Target): boolean {
    return this.#ruleFor(target) !== null;
  }

  #ruleFor({ path }: Target): LinkRule | null {
    return this.#parts.rules.find(({ match }) => match.test(path)) ?? null;
  }

  /** Upstreams are asked for identity; what comes encoded anyway is passed on as it is. */
  #isEncoded({ headers, upstream }: Pick<BodyHead | Entry, "headers" | "upstream">): boolean {
    const encoding = firstValue(headers, "content-encoding");
    if (encoding === null || /^\s*(?:identity)?\s*$/i.test(encoding)) return false;
    const name = upstream ?? "";
    if (!this.#toldOf.has(name)) {
      this.#toldOf.add(name);
      log.warn(
        "Cannot rewrite links of what {upstream} sends as {encoding}, though it was asked for " +
          "identity: they lead to the mirrors",
        { upstream: name, encoding },
      );
    }
    return true;
  }
}

function isDescribed(outcome: Outcome): outcome is Described {
  return ["stored", "filling", "passing", "head"].includes(outcome.kind);
}

/** The same under the name that it has when its links are rewritten. */
function renamed(outcome: Described, etag: string | null): Described {
  const changes = (headers: HeaderList): { etag: string | null; headers: HeaderList } => ({
    etag,
    headers: headers.filter(([name]) => !OF_THE_BYTES.has(name)),
  });
  if (outcome.kind === "stored") {
    return { ...outcome, entry: { ...outcome.entry, ...changes(outcome.entry.headers) } };
  }
  return { ...outcome, head: { ...outcome.head, ...changes(outcome.head.headers) } };
}

/**
 * There are no ranges of what is made anew for each answer. A small stored copy is read for a HEAD as
 * well: its length shows only when it was rewritten.
 */
function withoutRange(outcome: Described, exchange: Exchange): Exchange {
  const isSmall = outcome.kind === "stored" && outcome.entry.size <= SMALL_BODY_BYTES;
  const method = isSmall ? "GET" : exchange.method;
  const selecting = { ...exchange.selecting, method, range: null, ifRange: null };
  return { ...exchange, method, selecting };
}

async function rewritten(
  answer: Answer,
  { method }: Exchange,
  rewriter: LinkRewriter,
): Promise<Answer> {
  const { status, headers, body } = answer;
  if (headers.has("accept-ranges")) headers.set("accept-ranges", "none");
  if (status !== 200) return answer;
  headers.delete("content-length");
  if (body === null) return answer;
  if (body instanceof Uint8Array) {
    const whole = await rewrittenBody(body, rewriter);
    headers.set("content-length", String(whole.byteLength));
    return { status, headers, body: method === "HEAD" ? null : whole };
  }
  const stream = body instanceof FilePart ? streamOf(body) : body;
  return { status, headers, body: rewritingStream(stream, rewriter) };
}
