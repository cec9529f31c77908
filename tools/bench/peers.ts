import { aptCacherNg } from "./peers/apt_cacher_ng.ts";
import { nginx } from "./peers/nginx.ts";
import { ours } from "./peers/ours.ts";
import { squid } from "./peers/squid.ts";
import { trafficServer } from "./peers/traffic_server.ts";
import { varnish } from "./peers/varnish.ts";
import type { Peer } from "./server.ts";

/** All that take part, in the order of the table. */
export const PEERS: readonly Peer[] = [ours, nginx, varnish, squid, trafficServer, aptCacherNg];
