import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest, runProgram } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

Deno.test("the program tells where its admin listener is; metrics need no further permission", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const config = { upstream: [{ server: origin.url, name: "toy" }] };
  await using program = await ProgramUnderTest.start({ config });
  await (await program.fetch("/file")).text();
  const { admin } = await program.line((line) => line["admin"] !== undefined);
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  assertStringIncludes(metrics, `cache_proxy_requests_total{result="MISS",status="2xx"} 1`);
  assertStringIncludes(metrics, "process_resident_memory_bytes ");
  assertEquals((await (await fetch(`${admin}/readyz`)).json()).ready, true);
});

Deno.test("an admin port that is taken ends the start, and the error names the key", async () => {
  await using folder = await tempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const file = `${folder.path}/config.yaml`;
  const lines = [
    "listen: { address: 127.0.0.1, port: 0 }",
    `admin: { port: ${taken.addr.port} }`,
    "upstream: [{ server: http://127.0.0.1:1 }]",
    `storage: { local: { path: "${folder.path}/data" } }`,
  ];
  await Deno.writeTextFile(file, lines.join("\n"));
  const { code, stderr } = await runProgram(["--config", file]);
  assertEquals(code, 1);
  assertEquals(
    stderr,
    `Cannot listen on 127.0.0.1:${taken.addr.port}: something else does; admin.port names ` +
      "another place\n",
  );
});

Deno.test("without a token the program refuses an address that others can reach", async () => {
  await using folder = await tempDir();
  const file = `${folder.path}/config.yaml`;
  await Deno.writeTextFile(
    file,
    "upstream: [{ server: http://127.0.0.1:1 }]\nadmin: { address: 0.0.0.0 }\n",
  );
  const { code, stderr } = await runProgram(["--config", file]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "admin.token: required");
});
