/**
 * What is tested with one worker, once more with two serving ones: whatever a client sees is the
 * same.
 *
 * @module
 */

import { useWorkers } from "../support/usual_workers.ts";

useWorkers(2);

await import("../serve/miss_and_hit_test.ts");
await import("../serve/joiners_test.ts");
await import("../serve/hit_ranges_test.ts");
await import("../serve/broken_bodies_test.ts");
await import("../serve/slow_clients_test.ts");
await import("../serve/disk_full_test.ts");
await import("../serve/herd_test.ts");
await import("../serve/accel_test.ts");
await import("../admin/metrics_test.ts");
