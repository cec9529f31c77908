import { z } from "zod";
import type { ConfigPath } from "./config_path.ts";

/** The keys that the schema knows in the mapping at `path`. */
export function knownKeys(schema: z.core.$ZodType, path: ConfigPath): string[] {
  const [step, ...rest] = path;
  return containers(schema).flatMap((container) => {
    if (container instanceof z.ZodArray) {
      return typeof step === "number" ? knownKeys(container.element, rest) : [];
    }
    if (step === undefined) return Object.keys(container.shape);
    const value = container.shape[step];
    return value === undefined ? [] : knownKeys(value, rest);
  });
}

/** The lists and mappings that the schema takes, without the wrappers for defaults and the like. */
function containers(schema: z.core.$ZodType): (z.ZodArray | z.ZodObject)[] {
  if (schema instanceof z.ZodArray || schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(containers);
  if (schema instanceof z.ZodPipe) return containers(schema.in);
  const isWrapper = schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault;
  return isWrapper ? containers(schema.unwrap()) : [];
}
