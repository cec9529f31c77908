import { join } from "@std/path";

/** The SHA-256 of some bytes, as registries write it. */
async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `sha256:${new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex()}`;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes an image of one layer as a folder in the OCI image layout:
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 *
 * @param layer What is in the layer; it need be no archive, since nobody unpacks it.
 */
export async function writeImageLayout(folder: string, tag: string, layer: string): Promise<void> {
  const blobs = join(folder, "blobs/sha256");
  await Deno.mkdir(blobs, { recursive: true });
  const write = async (mediaType: string, content: string | object): Promise<Descriptor> => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const bytes = new TextEncoder().encode(text);
    const digest = await digestOf(bytes);
    await Deno.writeFile(join(blobs, digest.slice("sha256:".length)), bytes);
    return { mediaType, digest, size: bytes.byteLength };
  };
  const type = (name: string): string => `application/vnd.oci.image.${name}`;
  const layerAt = await write(type("layer.v1.tar"), layer);
  const config = await write(type("config.v1+json"), {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [layerAt.digest] },
  });
  const manifest = await write(type("manifest.v1+json"), {
    schemaVersion: 2,
    mediaType: type("manifest.v1+json"),
    config,
    layers: [layerAt],
  });
  const annotations = { "org.opencontainers.image.ref.name": tag };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await Deno.writeTextFile(join(folder, "index.json"), JSON.stringify(index));
  await Deno.writeTextFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}
