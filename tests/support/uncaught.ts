/** Reports errors as the program does, and then has one that nobody catches. For `sentry_test.ts`. */

import { startErrorReports } from "../../src/main/error_reports.ts";

await using _reports = await startErrorReports({
  dsn: Deno.env.get("SENTRY_DSN"),
  environment: undefined,
  version: "0.0.0",
  follow: () => {},
  die: () => Deno.exit(3),
});
if (Deno.args[0] === "rejection") void Promise.reject(new Error("Uncaught rejection"));
else {
  setTimeout(() => {
    throw new Error("Uncaught error");
  });
}
// Longer than it takes; the test would see another code.
await new Promise<void>((resolve) => setTimeout(resolve, 20_000));
