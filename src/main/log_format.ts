import { getTextFormatter, type LogRecord } from "@logtape/logtape";

/** Makes the line of a record, with its end. */
export type LineFormat = (record: LogRecord) => string;

/** The formats that `log.format` names. */
export const LINE_FORMATS: Readonly<Record<"text" | "json", LineFormat>> = {
  text: getTextFormatter({
    timestamp: "rfc3339",
    level: "full",
    category: ".",
    value: plainValue,
  }),
  json: formatJson,
};

/**
 * One object a line. The library's own formatter puts the values of a message in quotes, which JSON
 * then escapes.
 */
function formatJson({ timestamp, level, category, message, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  const name = level === "warning" ? "WARN" : level.toUpperCase();
  const text = JSON.stringify(plainMessage({ message }));
  const head = `{"@timestamp":"${time}","level":"${name}","logger":"${category.join(".")}",` +
    `"message":${text}`;
  const rest = JSON.stringify(properties, hasObjects(properties) ? withErrors : undefined);
  return rest === "{}" ? `${head}}\n` : `${head},${rest.slice(1)}\n`;
}

/** A replacer costs more than all the rest, and the lines of requests hold plain values alone. */
function hasObjects(properties: Readonly<Record<string, unknown>>): boolean {
  for (const name in properties) {
    const value = properties[name];
    if (typeof value === "object" && value !== null) return true;
  }
  return false;
}

function withErrors(_: string, value: unknown): unknown {
  return value instanceof Error ? plainValue(value) : value;
}

/** The message with its values in place. */
export function plainMessage({ message }: Pick<LogRecord, "message">): string {
  return message.map((part, at) => at % 2 === 0 ? part : plainValue(part)).join("");
}

/** Values as a person would write them: no quotes around names, a dash for what is not there. */
function plainValue(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (value instanceof Error) return value.stack ?? value.message;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
