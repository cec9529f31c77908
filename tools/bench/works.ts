import { hitWorks } from "./works/hits.ts";
import type { Work } from "./work.ts";

/** All works, in the order of the table. */
export const WORKS: readonly Work[] = [...hitWorks];
