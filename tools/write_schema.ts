/**
 * Writes config.schema.json from the schema that the program checks its config file with.
 *
 * @module
 */

import { configJsonSchema } from "../src/config/config_json_schema.ts";

await Deno.writeTextFile(new URL("../config.schema.json", import.meta.url), configJsonSchema());
