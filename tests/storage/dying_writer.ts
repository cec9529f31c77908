/**
 * Starts to fill a key, says so on standard output, and waits to be killed.
 *
 * @module
 */

import { LocalStorage } from "../../src/storage/local_storage.ts";
import { NO_LIMITS } from "../support/no_limits.ts";
import { bytes } from "./support.ts";

const [path = "", key = ""] = Deno.args;
const storage = await LocalStorage.open({
  path,
  temporaryFilePattern: "temp.*",
  limits: NO_LIMITS,
});
const partial = await storage.create(key, 1_000_000);
await partial.write(bytes("half of"));
await Deno.stdout.write(bytes("written\n"));
setInterval(() => {}, 1000);
