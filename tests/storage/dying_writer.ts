/**
 * Starts to fill a key, says so on standard output, and waits to be killed.
 *
 * @module
 */

import { LocalStorage } from "../../src/storage/local_storage.ts";
import { bytes } from "./support.ts";

const [path = "", key = ""] = Deno.args;
const storage = await LocalStorage.open({ path, temporaryFilePattern: "temp.*" });
const partial = await storage.create(key);
await partial.write(bytes("half of"));
await Deno.stdout.write(bytes("written\n"));
setInterval(() => {}, 1000);
