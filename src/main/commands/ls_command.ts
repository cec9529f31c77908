import { AdminClient } from "./admin_client.ts";
import { type CatalogEntry, type CatalogItem, catalogPages } from "./catalog_pages.ts";
import { clientPrefix } from "./client_path.ts";
import { EXIT } from "./command_error.ts";
import type { CommandCall } from "./command_spec.ts";
import { counted, humanAge, humanSize, humanSpan } from "./human.ts";
import { type Cell, printTable } from "./table.ts";

/** Lists what is cached. Exit code 1 when there is nothing of that name. */
export async function run(call: CommandCall): Promise<number> {
  const { terminal } = call;
  const client = AdminClient.of(call);
  const prefix = clientPrefix(call.arguments[0] ?? "/");
  const items = await itemsOf(client, prefix);
  if (call.json) terminal.write(`${JSON.stringify({ prefix, items }, null, 2)}\n`);
  if (items.length === 0) {
    terminal.complain(`Nothing is cached below ${prefix}`);
    // An empty cache is as it should be; a folder that is not there was meant to be another one.
    return prefix === "/" ? EXIT.well : EXIT.failed;
  }
  if (!call.json) print(call, items);
  return EXIT.well;
}

/** A folder may be named without its slash. */
async function itemsOf(client: AdminClient, prefix: string): Promise<readonly CatalogItem[]> {
  const items = (await Array.fromAsync(catalogPages(client, prefix))).flat();
  const [only] = items;
  const isFolder = items.length === 1 && only !== undefined && "folder" in only &&
    only.folder === `${prefix}/`;
  return isFolder ? await itemsOf(client, `${prefix}/`) : items;
}

function print({ terminal }: CommandCall, items: readonly CatalogItem[]): void {
  const entries = items.filter((item): item is CatalogEntry => !("folder" in item));
  const folders = items.length - entries.length;
  if (entries.length === 0) {
    for (const item of items) if ("folder" in item) terminal.print(item.folder);
    return terminal.print(`\n${counted(folders, "folder")}`);
  }
  const now = Date.now();
  const columns = [
    { title: "SIZE", align: "right" },
    { title: "STORED", align: "right" },
    { title: "USED", align: "right" },
    { title: "HITS", align: "right" },
    { title: "FRESH FOR", align: "right" },
    { title: "MIRROR" },
    { title: "PATH" },
  ] as const;
  printTable(terminal, columns, items.map((item) => rowOf(item, now)));
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const folderText = folders === 0 ? "" : `${counted(folders, "folder")}, `;
  terminal.print(`\n${folderText}${counted(entries.length, "file")}, ${humanSize(bytes)}`);
}

function rowOf(item: CatalogItem, now: number): Cell[] {
  if ("folder" in item) return ["", "", "", "", "", "", { text: item.folder, style: "bold" }];
  const { path, status, size, vary, upstream, stored, lastUsed, hits, freshForSeconds } = item;
  const fields = Object.entries(vary).map(([name, value]) => `${name}: ${value}`);
  const notes = [...status === 200 ? [] : [`status ${status}`], ...fields];
  return [
    humanSize(size),
    humanAge(now - Date.parse(stored)),
    humanAge(now - Date.parse(lastUsed)),
    hits.toLocaleString("en"),
    freshness(freshForSeconds),
    upstream ?? "-",
    notes.length === 0 ? path : `${path} (${notes.join(", ")})`,
  ];
}

function freshness(seconds: number | null): Cell {
  if (seconds === null) return "ever";
  return seconds > 0 ? humanSpan(seconds * 1000) : { text: "old", style: "yellow" };
}
