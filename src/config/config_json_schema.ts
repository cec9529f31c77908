import { z } from "zod";
import { PLACEHOLDER } from "./environment.ts";
import { configSchema } from "./schema.ts";

/** A JSON Schema or a part of one. */
type Part = z.core.JSONSchema.BaseSchema;

/**
 * The text of config.schema.json: what the program takes without a warning, for editors. Draft 7,
 * since that is what the YAML language server knows best.
 */
export function configJsonSchema(): string {
  const schema: Part = z.toJSONSchema(configSchema, { io: "input", target: "draft-7" });
  complete(schema);
  return JSON.stringify({ title: "Configuration of cache-proxy", ...schema }, null, 2) + "\n";
}

/** Adds what is allowed everywhere in the file: placeholders, and keys without a value. */
function complete(part: Part): void {
  const required = new Set(part.required);
  for (const [key, value] of Object.entries(part.properties ?? {})) {
    if (typeof value === "boolean") continue;
    complete(value);
    if (!required.has(key)) acceptNull(value);
  }
  const inner = [part.items, part.additionalProperties, ...part.anyOf ?? []].flat();
  for (const value of inner) {
    if (typeof value === "object") complete(value);
  }
  if (part.enum !== undefined) {
    part.anyOf = [{ type: "string", enum: part.enum }, { type: "string", pattern: PLACEHOLDER }];
    delete part.type;
    delete part.enum;
  }
}

function acceptNull(part: Part): void {
  if (part.anyOf !== undefined) part.anyOf.push({ type: "null" });
  // The types of JSON Schema allow a list here, those of zod do not.
  else if (part.type !== undefined) Object.assign(part, { type: [part.type, "null"] });
}
