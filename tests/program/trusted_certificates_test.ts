import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { makeCertificate } from "../support/certificate.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const OVERRIDE = { DENO_TLS_CA_STORE: "mozilla" };

Deno.test("a mirror whose certificate only the system trusts is trusted", async () => {
  await using folder = await tempDir();
  const [cert, key] = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")];
  await makeCertificate(cert, key);
  await using mirror = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
    onListen: () => {},
  }, () => new Response("body"));
  const config = { upstream: [{ server: `https://127.0.0.1:${mirror.addr.port}` }] };
  const table: [env: Record<string, string>, status: number][] = [
    [{ SSL_CERT_FILE: cert, DENO_TLS_CA_STORE: "" }, 200],
    [{ SSL_CERT_FILE: cert, ...OVERRIDE }, 502],
  ];
  for (const [env, status] of table) {
    await using program = await ProgramUnderTest.start({ config, env });
    const response = await program.fetch("/file");
    await response.body?.cancel();
    assertEquals(response.status, status, JSON.stringify(env));
  }
});

Deno.test("without certificates of the system the program starts, and says so", async () => {
  const config = { upstream: [{ server: "http://127.0.0.1:1" }] };
  const nowhere = join(Deno.cwd(), "no-such-file");
  const env = { SSL_CERT_FILE: nowhere, SSL_CERT_DIR: nowhere, DENO_TLS_CA_STORE: "" };
  await using program = await ProgramUnderTest.start({ config, env });
  const { level } = await program.line(({ problem }) => problem !== undefined);
  assertEquals(level, "WARN");
});
