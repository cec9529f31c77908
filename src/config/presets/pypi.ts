import type { Preset } from "./preset.ts";

/** The list of all projects, and their pages; `simple` may be a part of the mirror's own address. */
const INDEX = "^{at}/(?:(?:.*/)?\\+?simple(?:/[^/]+)?/?|[^/]+/)?$";

/** https://packaging.python.org/en/latest/specifications/simple-repository-api/ */
export const PYPI: Preset = {
  cache: {
    policies: [
      // An index does not let a file name be used a second time; its metadata stands beside it.
      {
        match: "^{at}/.*\\.(?:whl|tar\\.gz|tar\\.bz2|zip|egg)(?:\\.metadata|\\.asc)?$",
        "refresh-after": "never",
      },
      { match: INDEX, "refresh-after": "10m" },
    ],
    variants: [
      {
        match: INDEX,
        // An index gives a page to whoever does not ask for JSON.
        accept: [
          "text/html",
          "application/vnd.pypi.simple.v1+html",
          "application/vnd.pypi.simple.v1+json",
        ],
      },
    ],
    digests: [{ match: INDEX, format: "simple-index" }],
  },
  links: [{ match: INDEX, format: "simple-index" }],
};
