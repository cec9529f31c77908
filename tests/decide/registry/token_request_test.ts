import { assertEquals } from "@std/assert";
import { compilePattern } from "../../../src/config/go_pattern.ts";
import { readToken } from "../../../src/decide/registry/read_token.ts";
import { tokenRequest, type TokenRules } from "../../../src/decide/registry/token_request.ts";

const REGISTRY: TokenRules = {
  server: "https://registry.example.org",
  tokenRealm: null,
  allowedRedirect: null,
};

function decide(realm: string, rules: Partial<TokenRules> = {}, rest = ""): unknown {
  return tokenRequest(`Bearer realm="${realm}"${rest}`, { ...REGISTRY, ...rules });
}

Deno.test("a token of the registry's own host is fetched with what the registry names", () => {
  const rest = ',service="registry.example.org",scope="repository:a/b:pull repository:c:pull"';
  assertEquals(decide("https://registry.example.org/token?account=x#y", {}, rest), {
    kind: "fetch",
    url: "https://registry.example.org/token?account=x&service=registry.example.org" +
      "&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull",
    withCredentials: true,
  });
});

Deno.test("where a token may come from, and with which credentials", () => {
  const elsewhere = "https://auth.example.org/token";
  const pattern = compilePattern("^https://auth\\.example\\.org/");
  const cases: [realm: string, rules: Partial<TokenRules>, expected: "own" | "bare" | "refuse"][] =
    [
      ["https://registry.example.org/token", {}, "own"],
      ["https://REGISTRY.example.org:443/token", {}, "own"],
      ["https://registry.example.org:8443/token", {}, "refuse"],
      [elsewhere, {}, "refuse"],
      [elsewhere, { allowedRedirect: pattern }, "bare"],
      [elsewhere, { tokenRealm: pattern }, "own"],
      // The host is what counts, not what stands before an `@`.
      ["https://registry.example.org@evil.example.org/token", {}, "refuse"],
      ["https://auth.example.org@evil.example.org/", { tokenRealm: pattern }, "refuse"],
      ["https://user:pw@registry.example.org/token", {}, "own"],
      // Nobody on the way may read the credentials.
      ["http://registry.example.org/token", {}, "refuse"],
      ["http://auth.example.org/", { tokenRealm: compilePattern("auth") }, "refuse"],
      ["http://registry.example.org/t", { server: "http://registry.example.org" }, "own"],
      ["https://registry.example.org/t", { server: "http://registry.example.org" }, "own"],
      ["http://registry.example.org:81/t", { server: "http://registry.example.org" }, "refuse"],
      ["/token", {}, "refuse"],
      ["file:///etc/passwd", {}, "refuse"],
      [`https://registry.example.org/${"x".repeat(3000)}`, {}, "refuse"],
    ];
  for (const [realm, rules, expected] of cases) {
    const decision = tokenRequest(`Bearer realm="${realm}"`, { ...REGISTRY, ...rules });
    const got = decision.kind !== "fetch"
      ? decision.kind
      : decision.withCredentials
      ? "own"
      : "bare";
    assertEquals(got, expected, realm.slice(0, 60));
    if (decision.kind === "fetch") assertEquals(new URL(decision.url).username, "", realm);
  }
});

Deno.test("where nothing asks for a token there is none to fetch", () => {
  for (const value of [null, "", 'Basic realm="x"', "Bearer", "Bearer service=x"]) {
    assertEquals(tokenRequest(value, REGISTRY), { kind: "none" });
  }
  const both = 'Basic realm="x", Bearer realm="https://registry.example.org/t"';
  assertEquals(tokenRequest(both, REGISTRY).kind, "fetch");
});

Deno.test("a token lasts as long as its server says, less a margin", () => {
  const cases: [answer: unknown, seconds: number | null][] = [
    [{ token: "abc", expires_in: 300 }, 290],
    [{ access_token: "abc", expires_in: 50 }, 45],
    [{ token: "abc" }, 54],
    [{ token: "abc", expires_in: 0 }, 0],
    [{ token: "abc", expires_in: -5 }, 54],
    [{ token: "abc", expires_in: 1e12 }, 24 * 3600 - 10],
    [{ token: "abc", expires_in: "300" }, 54],
    [{ token: "" }, null],
    [{ token: "two\r\nlines" }, null],
    [{ token: "x".repeat(20_000) }, null],
    [{ token: 7 }, null],
    [["abc"], null],
    [null, null],
  ];
  for (const [answer, seconds] of cases) {
    const token = readToken(JSON.stringify(answer), 1_000);
    const life = token === null ? null : (token.expiresAt - 1_000) / 1000;
    assertEquals(life, seconds, JSON.stringify(answer).slice(0, 60));
  }
  assertEquals(readToken("not JSON", 0), null);
});
