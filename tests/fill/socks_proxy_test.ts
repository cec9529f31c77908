import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("an upstream is asked through its SOCKS5 proxy", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using socks = new SocksProxy();
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, proxy: socks.url }],
  });
  assertEquals((await proxy.get("/x")).text, "hello");
  assertEquals(socks.targets, [new URL(origin.url).host]);
});

/** A SOCKS5 server (RFC 1928) without passwords that connects to IPv4 addresses. */
class SocksProxy implements AsyncDisposable {
  readonly targets: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #running = this.#serve();

  get url(): string {
    return `socks5://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#running;
  }

  async #serve(): Promise<void> {
    const tunnels: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) tunnels.push(this.#tunnel(conn));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(tunnels);
  }

  async #tunnel(conn: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(512);
    // Version and methods, answered with "no password".
    await conn.read(buffer);
    await conn.write(new Uint8Array([5, 0]));
    // Version, CONNECT, reserved, address type 1 (IPv4), four bytes of address, two of port.
    await conn.read(buffer);
    const hostname = buffer.slice(4, 8).join(".");
    const port = new DataView(buffer.buffer).getUint16(8);
    this.targets.push(`${hostname}:${port}`);
    const origin = await Deno.connect({ hostname, port });
    await conn.write(new Uint8Array([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    await Promise.allSettled([
      conn.readable.pipeTo(origin.writable),
      origin.readable.pipeTo(conn.writable),
    ]);
  }
}
