/**
 * For ecosystems in which nothing is an HTML page: what comes as one is a mirror's excuse, or a
 * hotel's login. Servers may leave the type out, as Apache does for names that it does not know.
 */
export const NO_HTML = [{
  "status-codes": [200],
  headers: [{
    name: "content-type",
    "not-match": "(?i)^\\s*(text/html|application/xhtml\\+xml)\\b",
  }],
}];
