// @ts-check
/// <reference lib="dom" />
import { byId, setText } from "./dom.js";

/**
 * Asks before something is done that cannot be undone.
 *
 * @param {string} title
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text) {
  const dialog = byId("confirm");
  if (!(dialog instanceof HTMLDialogElement)) throw new Error("#confirm is no dialog");
  setText(byId("confirm-title"), title);
  setText(byId("confirm-text"), text);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
