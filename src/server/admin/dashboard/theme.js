// @ts-check
/// <reference lib="dom" />

// Run before anything is drawn, so that no page flashes in colours that are not wanted.
(() => {
  const KEY = "cache-proxy-theme";
  const root = document.documentElement;

  /** How long the page stays empty at most while the first figures come, in milliseconds. */
  const EMPTY_MS = 1500;

  // So that nothing moves when they are there.
  root.dataset["loading"] = "";
  setTimeout(() => delete root.dataset["loading"], EMPTY_MS);

  /** @param {string | null} theme "light", "dark", or whatever the system says. */
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
    else delete root.dataset["theme"];
  };

  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      // Storage may be forbidden; then the choice lasts as long as the page.
      return null;
    }
  };

  /** @param {string} theme */
  const write = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // As above.
    }
  };

  apply(read());
  addEventListener("DOMContentLoaded", () => {
    const chosen = root.dataset["theme"] ?? "auto";
    for (const input of document.querySelectorAll("#theme input")) {
      if (!(input instanceof HTMLInputElement)) continue;
      input.checked = input.value === chosen;
      input.addEventListener("change", () => {
        apply(input.value);
        write(input.value);
        dispatchEvent(new Event("themechange"));
      });
    }
  });
})();
