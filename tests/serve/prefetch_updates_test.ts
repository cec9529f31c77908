import { assertEquals } from "@std/assert";
import { bytesOf, sha256 } from "../support/body.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const PACKAGES = "/debian/dists/sid/main/binary-amd64/Packages";

/** A repository with one version of each package. */
function repository(versions: Readonly<Record<string, string>>): Map<string, string> {
  const files = new Map<string, string>();
  const stanzas = Object.entries(versions).map(([name, version]) => {
    const file = `pool/${name}_${version}_amd64.deb`;
    const text = `${name} ${version}`;
    files.set(`/${file}`, text);
    const digest = sha256(bytesOf(text));
    return `Package: ${name}\nVersion: ${version}\nFilename: ${file}\nSize: ${text.length}\n` +
      `SHA256: ${digest}\n`;
  });
  const packages = stanzas.join("\n");
  files.set(PACKAGES.slice("/debian".length), packages);
  const listed = ` ${sha256(bytesOf(packages))} ${packages.length} main/binary-amd64/Packages\n`;
  files.set("/dists/sid/InRelease", `Suite: sid\nSHA256:\n${listed}`);
  return files;
}

for (const prefetch of ["updates", "off"]) {
  Deno.test(
    `prefetch: ${prefetch}: an update of a package in use ${
      prefetch === "off" ? "waits until somebody asks" : "is there before somebody asks"
    }`,
    async () => {
      let files = repository({ used: "1.0", unused: "1.0" });
      await using origin = new Origin(({ target }) => {
        const text = files.get(target);
        return text === undefined ? new Response("no", { status: 404 }) : new Response(text);
      });
      const clock = new ManualClock(Date.now());
      await using proxy = await TestProxy.start({
        upstreams: [{ server: origin.url, preset: "apt", at: "/debian" }],
        config: { prefetch },
        clock,
      });
      const read = async (): Promise<void> => {
        for (const path of ["/debian/dists/sid/InRelease", PACKAGES]) {
          assertEquals((await proxy.get(path)).response.status, 200);
        }
        await proxy.settled();
        await proxy.listsRead();
      };
      await read();
      assertEquals((await proxy.get("/debian/pool/used_1.0_amd64.deb")).text, "used 1.0");
      await proxy.settled();
      files = repository({ used: "1.1", unused: "1.1" });
      clock.advance(2 * 3_600_000);
      await read();
      const update = "/pool/used_1.1_amd64.deb";
      const asked = (): string[] =>
        origin.seen.map(({ target }) => target).filter((it) => it.endsWith("1.1_amd64.deb"));
      for (let seconds = 0; seconds < 30 && asked().length === 0; seconds++) {
        clock.advance(1_000);
        await settle();
      }
      assertEquals(asked(), prefetch === "off" ? [] : [update]);
      await proxy.settled();
      const { response, text } = await proxy.get(`/debian${update}`);
      const result = prefetch === "off" ? "MISS" : "HIT";
      assertEquals([text, response.headers.get("x-cache")], ["used 1.1", result]);
    },
  );
}
