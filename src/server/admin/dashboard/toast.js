// @ts-check
/// <reference lib="dom" />
import { byId, make, makeButton } from "./dom.js";

/** How long good news stay, in milliseconds. Bad news stay until they are closed. */
const GOOD_NEWS_MS = 7000;

/** More at once are not read. */
const MAX_TOASTS = 4;

/**
 * Says what came of something.
 *
 * @param {string} text
 * @param {"good" | "bad"} state
 */
export function toast(text, state = "good") {
  const box = make("div", { class: "toast", "data-state": state }, [
    make("span", { class: "dot" }),
    make("p", {}, [text]),
  ]);
  box.append(
    makeButton("×", { class: "quiet", "aria-label": "Close this message" }, () => box.remove()),
  );
  const place = byId("toasts");
  place.append(box);
  while (place.childElementCount > MAX_TOASTS) place.firstElementChild?.remove();
  if (state === "good") setTimeout(() => box.remove(), GOOD_NEWS_MS);
}
