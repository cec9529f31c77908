import { assert, assertEquals } from "@std/assert";
import { parse, stringify } from "@std/yaml";
import { loadConfig } from "../../src/config/load_config.ts";
import { codeBlocks, codeSpans, OPERATOR_PAGES, readProject } from "./pages.ts";

/** As far as we look at a JSON Schema. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

const SCHEMA: Schema = JSON.parse(await readProject("config.schema.json"));
const SECTIONS = Object.keys(SCHEMA.properties ?? {});

/** A key with the section that it is in, and what it is set to. */
const KEY = new RegExp(
  String.raw`^((?:${SECTIONS.join("|")})(?:\[\])?(?:\.[a-z-]+(?:\[\])?)+)(?:: .+)?$`,
);

function knows(schema: Schema | undefined, steps: readonly string[]): boolean {
  if (schema === undefined) return false;
  const [step, ...rest] = steps;
  if (step === undefined) return true;
  if (knows(schema.properties?.[step], rest)) return true;
  return [schema.items, ...schema.anyOf ?? []].some((form) => knows(form, steps));
}

Deno.test("the look-up tells keys from what is none", () => {
  const stepsOf = (key: string): string[] => key.replaceAll("[]", "").split(".");
  assert(knows(SCHEMA, stepsOf("cache.policies[].refresh-after")));
  assert(knows(SCHEMA, stepsOf("storage.local.accel.enable-by-header")));
  assert(knows(SCHEMA, stepsOf("upstream[].checkers[].headers[].name")));
  assert(!knows(SCHEMA, stepsOf("cache.size")));
  assert(!knows(SCHEMA, stepsOf("log.file.path.more")));
});

for (const page of OPERATOR_PAGES) {
  Deno.test(`every config key in ${page} is one`, async () => {
    const keys = codeSpans(await readProject(page)).flatMap((span) => KEY.exec(span)?.[1] ?? []);
    assert(keys.length > 0, "none was found");
    const unknown = keys.filter((key) => !knows(SCHEMA, key.replaceAll("[]", "").split(".")));
    assertEquals(unknown, []);
  });

  Deno.test(`every config in ${page} loads without a warning`, async () => {
    const blocks = codeBlocks(await readProject(page)).filter(({ language }) =>
      language === "yaml"
    );
    for (const { text } of blocks) {
      const config = parse(text) as Record<string, unknown>;
      if (!Object.keys(config).some((key) => SECTIONS.includes(key))) continue;
      const upstream = [{ server: "https://mirror.example.org" }];
      const { warnings } = loadConfig(stringify({ upstream, ...config }), () => "secret");
      assertEquals(warnings, [], text);
    }
  });
}
