import type { HeaderList } from "../types.ts";
import { endToEndFields } from "./fields.ts";

/**
 * What the stored bytes depend on or the protocol's machinery makes: section 3.2 lets it be. All
 * other fields of content are updated.
 */
const NOT_UPDATED: ReadonlySet<string> = new Set(["content-encoding", "content-range"]);

/**
 * What a message says of itself. Left over from the first answer it would make a copy look old that
 * has just been vouched for.
 */
const OF_THE_MESSAGE: ReadonlySet<string> = new Set(["age", "date"]);

/**
 * The fields of a stored response after a 304 has vouched for it
 * ([RFC 9111 section 3.2](https://www.rfc-editor.org/rfc/rfc9111#section-3.2)). Fields that the 304
 * has replace all stored ones of their name; what {@linkcode endToEndFields} leaves out, validators
 * and lengths among it, is not among the result.
 */
export function updatedFields(stored: HeaderList, from304: HeaderList): HeaderList {
  const provided = endToEndFields(from304).filter(([name]) => !NOT_UPDATED.has(name));
  const replaced = new Set(provided.map(([name]) => name));
  const kept = stored.filter(([name]) => !replaced.has(name) && !OF_THE_MESSAGE.has(name));
  return [...kept, ...provided];
}
