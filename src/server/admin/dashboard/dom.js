// @ts-check
/// <reference lib="dom" />

/**
 * The element of the page with an id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no #${id}`);
  return found;
}

/**
 * A new element. Texts become text, whatever is in them.
 *
 * @param {string} tag
 * @param {Readonly<Record<string, string>>} attributes
 * @param {readonly (Node | string)[]} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * A new button.
 *
 * @param {string} label
 * @param {Readonly<Record<string, string>>} attributes
 * @param {(event: Event) => void} onClick
 * @returns {HTMLButtonElement}
 */
export function makeButton(label, attributes, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  for (const [name, value] of Object.entries(attributes)) button.setAttribute(name, value);
  button.addEventListener("click", onClick);
  return button;
}

/**
 * Sets a text where it differs, so that a selection in it outlives an update.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * How full a bar or a meter is.
 *
 * @param {HTMLElement} bar The element with the role, its fill inside.
 * @param {number | null} share 0 to 1; null: unknown.
 */
export function setShare(bar, share) {
  const filled = bar.firstElementChild;
  bar.classList.toggle("unknown", share === null);
  if (share === null) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  if (filled instanceof HTMLElement) {
    filled.style.transform = `scaleX(${Math.min(Math.max(share ?? 1, 0), 1)})`;
  }
}

/**
 * Brings the children of an element in line with a list. Elements of items that stay are kept, and
 * with them focus and selection.
 *
 * @template Item
 * @param {Element} parent
 * @param {readonly Item[]} items
 * @param {(item: Item) => string} keyOf One of its own for each item.
 * @param {(item: Item) => HTMLElement} create
 * @param {(element: HTMLElement, item: Item) => void} update Called for new ones, too.
 */
export function keepInLine(parent, items, keyOf, create, update) {
  const old = new Map();
  for (const child of parent.children) {
    if (child instanceof HTMLElement) old.set(child.dataset["key"], child);
  }
  /** @type {Element | null} */
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const element = old.get(key) ?? create(item);
    old.delete(key);
    element.dataset["key"] = key;
    update(element, item);
    if (element === next) next = next?.nextElementSibling ?? null;
    else parent.insertBefore(element, next);
  }
  for (const gone of old.values()) gone.remove();
}

/**
 * The part of an element that a class names.
 *
 * @param {Element} element
 * @param {string} name
 * @returns {HTMLElement}
 */
export function part(element, name) {
  const found = element.querySelector(`.${name}`);
  if (!(found instanceof HTMLElement)) throw new Error(`There is no .${name}`);
  return found;
}
