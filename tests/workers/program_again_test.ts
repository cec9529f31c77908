/**
 * The whole program once more with two serving workers: signals, TLS, the log.
 *
 * @module
 */

import { useWorkers } from "../support/usual_workers.ts";

useWorkers(2);

await import("../program/shutdown_test.ts");
await import("../program/tls_test.ts");
await import("../program/logs_test.ts");
