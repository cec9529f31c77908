import type { ConfigPath } from "./config_path.ts";

/** Something in the config file that is not right. */
export interface Problem {
  readonly path: ConfigPath;
  /** What would be right, in words that go on after the path. */
  readonly message: string;
  /** Whether the line shows the value, too; secrets are left out in any case. */
  readonly addValue: boolean;
}
