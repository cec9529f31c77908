import { assert } from "@std/assert";

/** Writes a certificate for 127.0.0.1 that signs itself, and its key, as PEM files. */
export async function makeCertificate(cert: string, key: string): Promise<void> {
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  args.push("-nodes", "-days", "2", "-subj", "/CN=cache-proxy test", "-keyout", key, "-out", cert);
  args.push("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE");
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  assert(success, new TextDecoder().decode(stderr));
}
