import { assertEquals, assertRejects } from "@std/assert";
import { UpstreamError } from "../../src/errors.ts";
import { allowedDestination, refuseNearby } from "../../src/fill/destination.ts";

const ALLOW = ["*.example", "name.test:8080", "10.0.0.5:8080"];

const SIGNAL = new AbortController().signal;

function resolvesTo(...addresses: string[]): () => Promise<readonly string[]> {
  return () => Promise.resolve(addresses);
}

Deno.test("a name that is allowed is asked at the address that was checked", async () => {
  const table: [url: string, addresses: string[], asked: string, host: string | null][] = [
    ["http://a.example/x%7e?y", ["8.8.8.8"], "http://8.8.8.8/x%7e?y", "a.example"],
    ["http://a.example/", ["2606:4700::1", "8.8.8.8"], "http://[2606:4700::1]/", "a.example"],
    ["http://name.test:8080/x", ["10.0.0.5"], "http://10.0.0.5:8080/x", "name.test:8080"],
    ["http://10.0.0.5:8080/x", [], "http://10.0.0.5:8080/x", null],
    // The certificate is for the name.
    ["https://a.example/x", ["8.8.8.8"], "https://a.example/x", null],
  ];
  for (const [url, addresses, asked, host] of table) {
    const found = await allowedDestination(url, ALLOW, resolvesTo(...addresses), SIGNAL);
    assertEquals(found, { url: asked, host }, url);
  }
});

Deno.test("a name with an address that is not public is not asked, unless that is listed", async () => {
  const table: [url: string, addresses: string[]][] = [
    ["http://a.example/", ["127.0.0.1"]],
    ["http://a.example/", ["8.8.8.8", "127.0.0.1"]],
    ["https://a.example/", ["8.8.8.8", "10.0.0.1"]],
    ["http://a.example/", ["::1"]],
    ["http://a.example/", ["::ffff:169.254.169.254"]],
    ["http://a.example/", ["10.0.0.5"]],
    ["http://name.test:8080/", ["10.0.0.6"]],
    ["http://a.example/", []],
    ["http://other.test/", ["8.8.8.8"]],
    ["http://a.example:8080/", ["8.8.8.8"]],
    ["http://127.0.0.1/", ["8.8.8.8"]],
  ];
  for (const [url, addresses] of table) {
    const error = await assertRejects(
      () => allowedDestination(url, ALLOW, resolvesTo(...addresses), SIGNAL),
      UpstreamError,
    );
    assertEquals(error.reason.kind, "redirect", `${url} ${addresses}`);
  }
});

Deno.test("where a proxy resolves names, what is listed is looked at alone", async () => {
  const url = "http://a.example/x";
  assertEquals(await allowedDestination(url, ALLOW, null, SIGNAL), { url, host: null });
  await assertRejects(() => allowedDestination("http://127.0.0.1/", ["*"], null, SIGNAL));
});

Deno.test("a resolver that says nothing holds nobody after the abort", async () => {
  const controller = new AbortController();
  const silent = () => new Promise<readonly string[]>(() => {});
  const asked = allowedDestination("http://a.example/", ALLOW, silent, controller.signal);
  controller.abort(new UpstreamError({ kind: "timeout", afterMs: 1 }));
  const error = await assertRejects(() => asked, UpstreamError);
  assertEquals(error.reason.kind, "timeout");
});

Deno.test("a redirect leads to this machine only from there", async () => {
  const names: Record<string, string> = { "inside.test": "127.0.0.1", "outside.test": "8.8.8.8" };
  const resolve = (name: string) =>
    name in names
      ? Promise.resolve([names[name] ?? ""])
      : Promise.reject(new Error("no such name"));
  const table: [target: string, server: string, isRefused: boolean][] = [
    ["http://outside.test/x", "http://mirror.test", false],
    ["http://inside.test/x", "http://outside.test", true],
    ["http://127.0.0.1:1/x", "http://outside.test", true],
    ["http://inside.test:1/x", "http://inside.test", false],
    ["http://inside.test:1/x", "http://localhost", false],
    ["http://127.0.0.2/x", "http://inside.test", false],
    ["http://unknown.test/x", "http://outside.test", false],
    ["http://10.0.0.1/x", "http://outside.test", false],
  ];
  for (const [target, server, isRefused] of table) {
    const refusal = await refuseNearby(target, server, resolve, SIGNAL).then(
      () => false,
      (error) => error instanceof UpstreamError,
    );
    assertEquals(refusal, isRefused, `${target} from ${server}`);
  }
});
