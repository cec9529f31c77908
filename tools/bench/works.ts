import type { Server } from "./server.ts";
import type { Work } from "./work.ts";
import { coldCrowdWork } from "./works/cold_crowd.ts";
import { firstByteWork } from "./works/first_byte.ts";
import { fixedRateWork } from "./works/fixed_rate.ts";
import { growthWork } from "./works/growth.ts";
import { hitWorks } from "./works/hits.ts";
import { idleConnectionsWork } from "./works/idle_connections.ts";
import { largeHitWorks } from "./works/large_hits.ts";
import { missWorks } from "./works/misses.ts";
import { racingWork } from "./works/racing.ts";
import { slowClientsWork } from "./works/slow_clients.ts";

/** All works, in the order of the table. Each starts its own servers, and is given those alone. */
export const WORKS: readonly Work[] = [
  ...hitWorks,
  fixedRateWork,
  ...largeHitWorks,
  ...missWorks,
  firstByteWork,
  coldCrowdWork,
  racingWork,
  idleConnectionsWork,
  slowClientsWork,
  growthWork as Work<Server>,
];
