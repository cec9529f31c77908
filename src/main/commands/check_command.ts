import { stringify } from "@std/yaml";
import type { Config } from "../../config/config.ts";
import { expandedTree } from "../../config/load_config.ts";
import { ConfigError } from "../../errors.ts";
import { clientPath } from "./client_path.ts";
import { EXIT } from "./command_error.ts";
import { type CommandCall, flagText } from "./command_spec.ts";
import { configOf } from "./config_of.ts";
import { counted, humanAge, humanSize, humanSpan } from "./human.ts";
import { type AskedMirror, type PathReport, pathReport } from "./path_report.ts";
import { type StoredCopies, storedCopies } from "./stored_copies.ts";
import { printFacts, printTable } from "./table.ts";
import { withoutCredentials } from "./without_credentials.ts";

const WHEN: Readonly<Record<AskedMirror["when"], string>> = {
  first: "at once",
  next: "when those fail or are slow",
  fallback: "when all above have failed",
};

/**
 * Checks the configuration, and tells what it means for a path. Exit code 1 when no mirror would be
 * asked for it, 2 when the configuration is wrong.
 */
export async function run(call: CommandCall): Promise<number> {
  const { terminal, json, configFile } = call;
  const expands = call.flags["expand"] === true;
  const path = flagText(call, "path");
  const target = path === null ? null : clientPath(path);
  let effective;
  try {
    effective = configOf(call);
  } catch (error) {
    if (!json || !(error instanceof ConfigError)) throw error;
    // The first one says which file; the others are its problems.
    const problems = error.problems.map((problem) => problem.trim());
    terminal.write(`${JSON.stringify({ valid: false, file: configFile, problems }, null, 2)}\n`);
    return EXIT.usage;
  }
  const { config, warnings } = effective;
  if (expands) {
    // Not what is in force: what is taken from the environment stays there.
    const tree = withoutCredentials(expandedTree(Deno.readTextFileSync(configFile)));
    terminal.write(json ? `${JSON.stringify(tree, null, 2)}\n` : stringify(tree));
    return EXIT.well;
  }
  const report = target === null ? null : await pathReport(config, target);
  const stored = target === null ? null : await storedCopies(call, config, target);
  if (json) {
    const whole = {
      valid: true,
      file: configFile,
      warnings,
      upstreams: config.upstreams.length,
      data: config.storage.path,
      offline: config.cache.offline,
      ...report,
      ...stored === null ? {} : { stored: stored.kind === "known" ? stored.copies : null },
    };
    terminal.write(`${JSON.stringify(whole, null, 2)}\n`);
  } else {
    printConfig(call, config, warnings);
    if (report !== null && stored !== null) printPath(call, config, report, stored);
  }
  return report?.mirrors.length === 0 ? EXIT.failed : EXIT.well;
}

function printConfig(
  { terminal, configFile }: CommandCall,
  { upstreams, cache, storage }: Config,
  warnings: readonly string[],
): void {
  terminal.write(`${terminal.styled("Right:", "green")} `);
  const policies = counted(cache.policies.length - 1, "policy", "policies");
  const mirrors = counted(upstreams.length, "mirror");
  terminal.print(`${configFile} has ${mirrors} and ${policies}, data in ${storage.path}`);
  for (const warning of warnings) {
    terminal.write(`${terminal.styled("Warning:", "yellow")} `);
    terminal.print(warning);
  }
}

function printPath(
  { terminal }: CommandCall,
  { cache }: Config,
  { path, rule, policy, set, mirrors }: PathReport,
  stored: StoredCopies,
): void {
  terminal.write("\n");
  printFacts(terminal, [
    ["Path", path],
    ...rule === null ? [] : [["Rule", ruleText(rule)] as const],
    [
      "Policy",
      `${policyText(policy)}; by ${policy.place}${
        policy.match === null ? "" : `, match ${policy.match}`
      }`,
    ],
    ...set === null ? [] : [["Set", `${set.role} of one, by ${set.place}`] as const],
    ["Stored", storedText(stored)],
  ]);
  terminal.write("\n");
  if (mirrors.length === 0) {
    return terminal.print("No mirror would be asked: no path.match fits. Clients get 404.");
  }
  if (cache.offline) terminal.print("cache.offline is set, so none of these is asked:");
  const columns = [
    { title: "MIRROR" },
    { title: "PRIORITY", align: "right" },
    { title: "ASKED" },
    { title: "URL" },
  ] as const;
  const rows = mirrors.map(({ name, url, priority, when }) => [
    name,
    String(priority),
    WHEN[when],
    url,
  ]);
  printTable(terminal, columns, rows);
}

function ruleText({ place, match, action, reason }: NonNullable<PathReport["rule"]>): string {
  const what = {
    allow: "allowed",
    deny: `denied (403)${reason === "" ? "" : `: ${reason}`}`,
    direct: "clients are sent to the first mirror (307)",
  }[action];
  return `${what}; by ${place}, match ${match}`;
}

function policyText({ refreshAfter, staleIfErrorMs }: PathReport["policy"]): string {
  const refresh = refreshAfter === "never"
    ? "never validated again"
    : refreshAfter === "upstream"
    ? "fresh for as long as the mirror says"
    : refreshAfter === 0
    ? "validated at each request"
    : `fresh for ${humanSpan(refreshAfter)}`;
  const stale = staleIfErrorMs === null
    ? "served for ever when mirrors fail"
    : `served for ${humanSpan(staleIfErrorMs)} more when mirrors fail`;
  return refreshAfter === "never" ? refresh : `${refresh}, ${stale}`;
}

function storedText(stored: StoredCopies): string {
  if (stored.kind === "unknown") return `unknown: ${stored.reason}`;
  if (stored.copies.length === 0) return "nothing";
  return stored.copies.map(({ size, upstream, validated, freshForSeconds }) => {
    const from = upstream === null ? "put there by hand" : `from ${upstream}`;
    const age = `validated ${humanAge(Date.now() - Date.parse(validated))}`;
    const fresh = freshForSeconds === null
      ? "fresh for ever"
      : freshForSeconds > 0
      ? `fresh for ${humanSpan(freshForSeconds * 1000)}`
      : `old since ${humanSpan(-freshForSeconds * 1000)}`;
    return `${humanSize(size)} ${from}, ${age}, ${fresh}`;
  }).join("; ");
}
