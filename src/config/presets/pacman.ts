import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** Arch Linux and its kin, MSYS2: https://wiki.archlinux.org/title/Pacman */
export const PACMAN: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      // A package that was built again has a higher `pkgrel` in its name.
      { match: "^{at}/.*\\.pkg\\.tar(\\.[a-z0-9]+)?(\\.sig)?$", "refresh-after": "never" },
      {
        match: "^{at}/.*\\.(db|files)(\\.tar(\\.[a-z0-9]+)?)?(\\.sig|\\.old)?$",
        "refresh-after": "5m",
      },
      // By its date; `latest` is another folder.
      { match: "^{at}/iso/[0-9]{4}\\.[0-9]{2}\\.[0-9]{2}/", "refresh-after": "never" },
    ],
    sets: [{ match: "^{at}/(.*[^/])\\.(?:db|files)(?:\\.sig)?$", anchor: ["*.db"] }],
    digests: [
      { match: "^{at}/.*\\.db(?:\\.tar(?:\\.[a-z0-9]+)?)?$", format: "pacman-db" },
    ],
  },
};
