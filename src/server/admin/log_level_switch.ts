/** Levels of the log, quietest last. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

/** One of them. */
export type Level = typeof LOG_LEVELS[number];

/** The level of the log while the program runs. */
export interface LogLevelSwitch {
  readonly level: Level;
  setLevel(level: Level): void;
}
