import { assertEquals } from "@std/assert";
import { isRedirect, judgeRedirect, MAX_REDIRECTS } from "../../src/decide/redirect.ts";
import { pattern } from "../support/facts.ts";

Deno.test("a redirect is a status that sends clients to Location", () => {
  const redirects = [301, 302, 303, 307, 308];
  for (let status = 200; status < 600; status++) {
    assertEquals(isRedirect(status), redirects.includes(status), `${status}`);
  }
});

Deno.test("redirects within the host are followed, the step up to https included", () => {
  const from = "http://mirror.test/pool/x?y";
  const table: [location: string, url: string][] = [
    ["/elsewhere", "http://mirror.test/elsewhere"],
    ["y", "http://mirror.test/pool/y"],
    ["?z", "http://mirror.test/pool/x?z"],
    ["//mirror.test/x", "http://mirror.test/x"],
    ["http://MIRROR.test:80/x", "http://mirror.test/x"],
    ["https://mirror.test/x", "https://mirror.test/x"],
    ["https://mirror.test:443/x", "https://mirror.test/x"],
    ["/x#fragment", "http://mirror.test/x"],
    ["http://user:secret@mirror.test/x", "http://mirror.test/x"],
    ["/a%2Bb+c~d:e", "http://mirror.test/a%2Bb+c~d:e"],
  ];
  for (const [location, url] of table) {
    assertEquals(judgeRedirect(from, location, null, 0), { kind: "follow", url, sameHost: true });
  }
});

Deno.test("everything else is refused, with a word that gives no signature away", () => {
  const table: [from: string, location: string | null, detail: string][] = [
    ["http://mirror.test/x", null, "redirect without a Location"],
    ["http://mirror.test/x", "http://", "redirect to something that is not an HTTP URL"],
    [
      "http://mirror.test/x",
      "ftp://mirror.test/x",
      "redirect to something that is not an HTTP URL",
    ],
    ["http://mirror.test/x", "file:///etc/passwd", "redirect to something that is not an HTTP URL"],
    [
      "http://mirror.test/x",
      "https://cdn.test/x?signature=s3cret",
      "redirect to https://cdn.test is not allowed",
    ],
    [
      "http://mirror.test/x",
      "http://mirror.test:81/x",
      "redirect to http://mirror.test:81 is not allowed",
    ],
    [
      "http://mirror.test:81/x",
      "http://mirror.test/x",
      "redirect to http://mirror.test is not allowed",
    ],
    // What was secret stays secret.
    [
      "https://mirror.test/x",
      "http://mirror.test/x",
      "redirect to http://mirror.test is not allowed",
    ],
    // Another port is another server, https or not.
    [
      "http://mirror.test:81/x",
      "https://mirror.test/x",
      "redirect to https://mirror.test is not allowed",
    ],
    [
      "http://mirror.test/x",
      "https://mirror.test:81/x",
      "redirect to https://mirror.test:81 is not allowed",
    ],
    [
      "http://mirror.test/x",
      "http://mirror.test.evil/x",
      "redirect to http://mirror.test.evil is not allowed",
    ],
  ];
  for (const [from, location, detail] of table) {
    assertEquals(judgeRedirect(from, location, null, 0), { kind: "refuse", detail }, `${location}`);
  }
});

Deno.test("allowed-redirect opens other hosts, without the upstream's credentials", () => {
  const allowed = pattern("^https://cdn\\.test/");
  assertEquals(judgeRedirect("http://mirror.test/x", "https://cdn.test/y#z", allowed, 0), {
    kind: "follow",
    url: "https://cdn.test/y",
    sameHost: false,
  });
  assertEquals(
    judgeRedirect("http://mirror.test/x", "https://other.test/?https://cdn.test/", allowed, 0).kind,
    "refuse",
  );
});

Deno.test("only so many redirects in a row", () => {
  for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
    assertEquals(judgeRedirect("http://mirror.test/x", "/y", null, hops).kind, "follow");
  }
  assertEquals(judgeRedirect("http://mirror.test/x", "/y", pattern(""), MAX_REDIRECTS), {
    kind: "refuse",
    detail: "more than 5 redirects",
  });
});
