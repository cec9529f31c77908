import type { CommandSpec, FlagSpec } from "./command_spec.ts";

/** Where the config is; every command takes it. */
export const CONFIG_FLAG: FlagSpec = {
  name: "config",
  value: "FILE",
  summary: "configuration (env CONFIG; default config.yaml)",
};

/** Every command but `serve` takes it. */
export const HELP_FLAG: FlagSpec = { name: "help", value: null, summary: "print this" };

/** What the proxy itself takes, with and without its name. */
export const SERVE_FLAGS: readonly FlagSpec[] = [
  CONFIG_FLAG,
  {
    name: "listen",
    value: "HOST:PORT",
    summary: "where clients connect, in place of listen.* of the file",
  },
  {
    name: "log-level",
    value: "LEVEL",
    summary: "trace, debug, info, warn or error (env LOG_LEVEL)",
  },
  { name: "offline", value: null, summary: "ask no mirror, serve what is stored" },
  {
    name: "watch-config",
    value: null,
    summary: "apply the configuration again when its file changes",
  },
  HELP_FLAG,
  { name: "version", value: null, summary: "print the version" },
];

const JSON_FLAG: FlagSpec = { name: "json", value: null, summary: "answer in JSON, for programs" };

/** What each command takes that asks no running proxy. */
const COMMON_FLAGS: readonly FlagSpec[] = [CONFIG_FLAG, JSON_FLAG, HELP_FLAG];

/** What each command takes that asks a running proxy. */
const ADMIN_FLAGS: readonly FlagSpec[] = [
  {
    name: "admin",
    value: "URL",
    summary: "the admin listener (env CACHE_PROXY_ADMIN; default as in the configuration)",
  },
  {
    name: "token",
    value: "TOKEN",
    summary: "its token (env CACHE_PROXY_TOKEN; default as in the configuration)",
  },
  ...COMMON_FLAGS,
];

/** The command that runs when none is named. */
export const SERVE = "serve";

/** The proxy itself. */
export const SERVE_SPEC: CommandSpec = {
  name: SERVE,
  summary: "run the proxy; this is what happens without a command",
  details: "Flags beat the environment, the environment beats the file.",
  arguments: [],
  flags: SERVE_FLAGS,
  examples: [
    ["serve --config /etc/cache-proxy.yaml", "with this configuration"],
    ["--listen 127.0.0.1:8881 --offline", "without asking any mirror"],
  ],
};

/** All other commands. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "check",
    summary: "check the configuration, and tell what it means for a path",
    details: "With --path it tells which mirrors would be asked, in which order and for which " +
      "URLs, under which policy, and how fresh the stored copy is. Nothing is fetched.",
    arguments: [],
    flags: [
      {
        name: "path",
        value: "PATH",
        summary: "path of a client, such as /debian/dists/sid/InRelease",
      },
      {
        name: "expand",
        value: null,
        summary: "print the configuration with its presets written out",
      },
      ...ADMIN_FLAGS,
    ],
    examples: [
      ["check", "whether config.yaml is right"],
      ["check --path /debian/dists/sid/InRelease", "where this would come from"],
      ["check --expand", "what the presets in it stand for"],
    ],
  },
  {
    name: "status",
    summary: "how the running proxy is: requests, cache, downloads, mirrors",
    details: "Exit code 1 when the proxy cannot do its work.",
    arguments: [],
    flags: ADMIN_FLAGS,
    examples: [["status", "all of it"], ["status --json", "the same, for programs"]],
  },
  {
    name: "ls",
    summary: "list what is cached, a folder at a time",
    details: "",
    arguments: [{
      name: "prefix",
      isRequired: false,
      isMany: false,
      summary: "what the paths begin with (default /)",
    }],
    flags: ADMIN_FLAGS,
    examples: [["ls", "the first level"], ["ls /debian/dists/", "what is in a folder"]],
  },
  {
    name: "purge",
    summary: "throw copies out of the cache",
    details: "Whoever is reading a copy reads it to its end.",
    arguments: [{
      name: "path",
      isRequired: false,
      isMany: true,
      summary: "paths of clients, each with its variants",
    }],
    flags: [
      { name: "prefix", value: "PREFIX", summary: "all whose paths begin with this" },
      ...ADMIN_FLAGS,
    ],
    examples: [
      ["purge /debian/dists/sid/InRelease", "one file"],
      ["purge --prefix /debian/dists/", "a folder"],
    ],
  },
  {
    name: "prefetch",
    summary: "fetch paths into the cache before somebody asks for them",
    details: "Copies that are there and fresh are left alone. Exit code 1 when one failed.",
    arguments: [{ name: "path", isRequired: false, isMany: true, summary: "paths of clients" }],
    flags: [
      {
        name: "file",
        short: "f",
        value: "LIST",
        summary: "a file with a path on each line, - for standard input; # begins a comment",
      },
      ...ADMIN_FLAGS,
    ],
    examples: [
      ["prefetch /debian/dists/sid/InRelease", "one file"],
      ["prefetch -f class.txt", "all of a list"],
    ],
  },
  {
    name: "mirrors",
    summary: "ask each mirror now: does it answer, how fast",
    details:
      "Asks from here, also when no proxy is running. At most 1 MiB is read of each mirror. " +
      "Exit code 1 when one did not answer as it should.",
    arguments: [],
    flags: [
      {
        name: "path",
        value: "PATH",
        summary: "path of a client to ask for, as the proxy would (default: / of each mirror)",
      },
      ...COMMON_FLAGS,
    ],
    examples: [
      ["mirrors", "whether they are there"],
      ["mirrors --path /debian/dists/sid/InRelease", "whether they have it, and how fast"],
    ],
  },
  {
    name: "import",
    summary: "bring the files of a folder into the cache, under the same paths",
    details: "Files become hard links where that is possible, else copies, and keep their times. " +
      "The proxy may be running; it takes each file in when somebody asks for it.",
    arguments: [{
      name: "dir",
      isRequired: true,
      isMany: false,
      summary: "holds what is to be at / of the cache",
    }],
    flags: [
      { name: "replace", value: null, summary: "take the place of files that are there" },
      { name: "copy", value: null, summary: "make no hard links" },
      ...COMMON_FLAGS,
    ],
    examples: [
      ["import /media/usb/mirror", "what a colleague has brought"],
      ["import /var/spool/old-proxy --replace --json", "whatever is there already"],
    ],
  },
  {
    name: "verify",
    summary: "read every cached file and compare it with the index",
    details: "Compares sizes, and digests where one is known. A running proxy does it itself; " +
      "without one the storage is opened here. Exit code 1 when something is wrong.",
    arguments: [],
    flags: [
      { name: "repair", value: null, summary: "throw out what is wrong" },
      { name: "prefix", value: "PREFIX", summary: "only what begins with this" },
      ...ADMIN_FLAGS,
    ],
    examples: [
      ["verify", "only tell"],
      ["verify --repair --prefix /debian/", "throw out what is wrong in a folder"],
    ],
  },
  {
    name: "completion",
    summary: "print a script that completes commands in your shell",
    details: "",
    arguments: [{
      name: "shell",
      isRequired: true,
      isMany: false,
      summary: "bash, zsh or fish",
      choices: ["bash", "zsh", "fish"],
    }],
    flags: [HELP_FLAG],
    examples: [
      ["completion bash > /etc/bash_completion.d/cache-proxy", "for bash"],
      ["completion zsh > ~/.zfunc/_cache-proxy", "for zsh"],
      ["completion fish > ~/.config/fish/completions/cache-proxy.fish", "for fish"],
    ],
  },
];

/** All commands, as they are listed. */
export const ALL_COMMANDS: readonly CommandSpec[] = [SERVE_SPEC, ...COMMANDS];
