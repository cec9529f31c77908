/** Where in the config file something is: keys of mappings and indices of lists. */
export type ConfigPath = readonly (string | number)[];

/** A key that needs no quotes in a path. */
const PLAIN_KEY = /^[\w-]+$/;

/** The path as people write it: `upstream[3].path.match`; empty for the whole file. */
export function formatConfigPath(path: ConfigPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!PLAIN_KEY.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}
