/** Stands for what is not shown. */
const HIDDEN = "<hidden>";

/** Keys of a config file whose value is a credential, wherever they stand. */
const SECRET_KEYS: ReadonlySet<string> = new Set(["token", "bearer", "password"]);

/** Header fields of requests that hold credentials. */
const SECRET_FIELDS = /^(?:authorization|cookie|x-.*(?:key|token|auth).*)$/i;

/** What is taken from the environment stays where it is: the name says nothing. */
const PLACEHOLDERS_ALONE = /^(?:(?:Bearer|Basic|Token)\s+)?(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})*$/i;

/** The tree of a config file with its credentials left out, those in URLs of proxies among them. */
export function withoutCredentials(tree: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(tree)) return tree.map((item) => withoutCredentials(item, path));
  if (typeof tree === "object" && tree !== null) {
    return Object.fromEntries(
      Object.entries(tree).map(([key, value]) => [key, withoutCredentials(value, [...path, key])]),
    );
  }
  if (typeof tree !== "string" || PLACEHOLDERS_ALONE.test(tree)) return tree;
  const [section, key = ""] = path.slice(-2);
  if (section === "headers" && SECRET_FIELDS.test(key)) return HIDDEN;
  if (SECRET_KEYS.has(key)) return HIDDEN;
  return key === "proxy" ? tree.replace(/(:\/\/[^:@/]*:)[^@/]*@/, `$1${HIDDEN}@`) : tree;
}
