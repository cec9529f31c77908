// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { byId, make, setText } from "./dom.js";
import { bytes, digits, NOTHING, rate } from "./format.js";

/** @type {any} The plotting library, which is a script of its own. */
const uPlot = Reflect.get(globalThis, "uPlot");

const HEIGHT = 170;

/** Fewer are drawn as points. */
const FEW_POINTS = 4;

/** How often a range is fetched anew, in milliseconds. */
const REFRESH_MS = new Map([["hour", 10_000], ["day", 60_000], ["month", 60_000]]);

/** Times on the axis: of a range, and of the point that is looked at. */
const TICKS = new Map([["hour", "{HH}:{mm}"], ["day", "{HH}:{mm}"], ["month", "{D} {MMM}"]]);

/**
 * A curve: a column of the history, and how it is read.
 *
 * @typedef {object} Curve
 * @property {string} label
 * @property {string} column
 * @property {string} color Name of a custom property.
 */

/**
 * @typedef {object} Plot
 * @property {string} title
 * @property {Curve[]} curves
 * @property {boolean} isRate Whether columns are counts, to be divided by the step.
 * @property {(value: number) => string} format
 * @property {(value: number) => string} tick How a value stands at the axis.
 * @property {readonly number[]} steps From one value at the axis to the next.
 * @property {number} least What the axis goes up to where there is nothing.
 */

/** 0.001, 0.002, 0.005, 0.01 and so on. */
const DECIMAL_STEPS = Array.from(
  { length: 30 },
  (_, at) => ([1, 2, 5][at % 3] ?? 1) * 10 ** (Math.floor(at / 3) - 3),
);

/** 1, 2, 4 and so on: what looks round as KiB, MiB or GiB. */
const BINARY_STEPS = Array.from({ length: 50 }, (_, at) => 2 ** at);

/** @type {Plot[]} */
const PLOTS = [
  {
    title: "Requests a second",
    curves: [
      { label: "all", column: "requests", color: "--series-b" },
      { label: "hits", column: "hits", color: "--series-a" },
    ],
    isRate: true,
    format: digits,
    tick: (value) => String(Number(value.toFixed(3))),
    steps: DECIMAL_STEPS,
    least: 1,
  },
  {
    title: "Traffic",
    curves: [
      { label: "to clients", column: "bytesToClients", color: "--series-a" },
      { label: "from mirrors", column: "bytesFromUpstreams", color: "--series-c" },
    ],
    isRate: true,
    format: rate,
    tick: (value) => value === 0 ? "0" : rounded(rate(value)),
    steps: BINARY_STEPS,
    least: 1024,
  },
  {
    title: "Cache size",
    curves: [{ label: "on disk", column: "cacheBytes", color: "--series-a" }],
    isRate: false,
    format: bytes,
    tick: (value) => value === 0 ? "0" : rounded(bytes(value)),
    steps: BINARY_STEPS,
    least: 1024,
  },
];

/** The plots of what was. */
export class Plots {
  #range = "hour";
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer = undefined;
  /** @type {any} */ #history = null;
  /** @type {DrawnPlot[]} */ #drawn;

  constructor() {
    this.#drawn = PLOTS.map((plot) => new DrawnPlot(plot, byId("plots")));
    for (const input of document.querySelectorAll("#range input")) {
      if (!(input instanceof HTMLInputElement)) continue;
      input.addEventListener("change", () => {
        this.#range = input.value;
        void this.refresh();
      });
    }
    const redraw = () => this.#draw();
    addEventListener("themechange", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new ResizeObserver(() => this.#drawn.forEach((it) => it.fit())).observe(byId("plots"));
    document.addEventListener("visibilitychange", () => void this.refresh());
    void this.refresh();
  }

  /** Fetches the range that was chosen, and again after a while. */
  async refresh() {
    clearTimeout(this.#timer);
    if (document.visibilityState === "hidden") return;
    const range = this.#range;
    try {
      const history = await ask(`/history?range=${range}`);
      if (range !== this.#range) return;
      this.#history = history;
      this.#draw();
    } catch {
      // The banner tells of a proxy that does not answer; what was drawn stays.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), REFRESH_MS.get(range));
  }

  #draw() {
    if (this.#history === null) return;
    for (const drawn of this.#drawn) drawn.draw(this.#history);
  }
}

/**
 * @param {string} text As "4.00 MiB".
 * @returns {string}
 */
function rounded(text) {
  return text.replace(/\.0+(?=\s)/, "");
}

/** One plot, with a line above it that tells the values. */
class DrawnPlot {
  /** @type {Plot} */ #plot;
  /** @type {HTMLElement} */ #figure;
  /** @type {HTMLElement} */ #place;
  /** @type {HTMLElement} */ #empty;
  /** @type {HTMLElement} */ #when;
  /** @type {HTMLElement[]} */ #values;
  /** @type {any} */ #drawn = null;
  #range = "";

  /**
   * @param {Plot} plot
   * @param {HTMLElement} parent
   */
  constructor(plot, parent) {
    this.#plot = plot;
    this.#values = plot.curves.map(() => make("b", {}, [NOTHING]));
    this.#when = make("span", { class: "muted" });
    this.#place = make("div", { class: "plot", tabindex: "0", role: "img" });
    this.#empty = make("p", { class: "empty" }, [
      "Nothing yet: the first point comes within ten seconds.",
    ]);
    const keys = plot.curves.map(({ label, color }, at) => {
      const swatch = make("i", { class: "swatch" });
      swatch.style.background = `var(${color})`;
      return make("span", { class: "key" }, [swatch, `${label} `, this.#values[at] ?? ""]);
    });
    this.#figure = make("figure", {}, [
      make("figcaption", {}, [
        make("h3", {}, [plot.title]),
        make("p", { class: "keys small" }, [...keys, this.#when]),
      ]),
      this.#place,
      this.#empty,
    ]);
    this.#place.addEventListener("keydown", (event) => this.#onKey(event));
    this.#place.addEventListener("blur", () => this.#drawn?.setCursor({ left: -10, top: -10 }));
    parent.append(this.#figure);
  }

  /** @param {any} history */
  draw(history) {
    const data = [
      history.time,
      ...this.#plot.curves.map(({ column }) => this.#column(history, column)),
    ];
    this.#range = history.range;
    this.#drawn?.destroy();
    const pointCount = data[1]?.filter((/** @type {number | null} */ it) => it !== null).length ??
      0;
    this.#empty.hidden = pointCount > 0;
    this.#drawn = new uPlot(this.#options(pointCount), data, this.#place);
    this.#tell(null);
  }

  /** Takes the room that is there. */
  fit() {
    this.#drawn?.setSize({ width: this.#place.clientWidth, height: HEIGHT });
  }

  /**
   * @param {any} history
   * @param {string} column
   * @returns {(number | null)[]}
   */
  #column({ time, stepSeconds, ...columns }, column) {
    const values = columns[column];
    if (!this.#plot.isRate) return values;
    const now = Date.now() / 1000;
    return values.map((/** @type {number | null} */ value, /** @type {number} */ at) => {
      // The last step goes on; of its first seconds nothing can be said.
      const lasted = Math.min(Math.max(now - time[at], 0), stepSeconds);
      return value === null || lasted < stepSeconds / 2 ? null : value / lasted;
    });
  }

  /** @param {number} pointCount */
  #options(pointCount) {
    const style = getComputedStyle(document.documentElement);
    const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const font = `11px ${style.fontFamily}`;
    const grid = { stroke: color("--line"), width: 1 };
    const axis = { stroke: color("--muted"), font, grid, ticks: { show: false } };
    const { tick, steps, least } = this.#plot;
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      scales: { y: { range: rangeFrom(least) } },
      axes: [
        { ...axis, size: 26, values: TICKS.get(this.#range), space: 60 },
        {
          ...axis,
          size: 68,
          incrs: steps,
          space: 34,
          values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map(tick),
        },
      ],
      series: [
        {},
        ...this.#plot.curves.map((curve) => ({
          stroke: color(curve.color),
          width: 2,
          ...curve.color === "--series-a"
            ? { fill: `color-mix(in srgb, ${color(curve.color)} 14%, transparent)` }
            : {},
          // A line of one point would not be seen.
          points: { show: pointCount < FEW_POINTS },
        })),
      ],
      hooks: { setCursor: [(/** @type {any} */ plot) => this.#tell(plot.cursor.idx ?? null)] },
    };
  }

  /** @param {number | null} index Of the point that is looked at; null: the last one. */
  #tell(index) {
    if (this.#drawn === null) return;
    const [time, ...columns] = this.#drawn.data;
    columns.forEach((/** @type {(number | null)[]} */ values, /** @type {number} */ at) => {
      const place = index ?? values.findLastIndex((it) => it !== null);
      const value = values[place] ?? null;
      const told = this.#values[at];
      if (told !== undefined) setText(told, value === null ? NOTHING : this.#plot.format(value));
    });
    const at = index === null ? null : new Date(time[index] * 1000);
    setText(this.#when, at === null ? "" : timeOf(at, this.#range));
    const words = this.#plot.curves.map(({ label }, at) =>
      `${label} ${this.#values[at]?.textContent}`
    );
    const when = at === null ? `over the last ${this.#range}, now` : timeOf(at, this.#range);
    this.#place.setAttribute("aria-label", `${this.#plot.title}, ${when}: ${words.join(", ")}`);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (by === 0 || this.#drawn === null) return;
    event.preventDefault();
    const [time] = this.#drawn.data;
    const from = this.#drawn.cursor.idx ?? time.length;
    const to = Math.min(Math.max(from + by, 0), time.length - 1);
    this.#drawn.setCursor({ left: this.#drawn.valToPos(time[to], "x"), top: 10 });
  }
}

/**
 * From nothing to a little above what there is.
 *
 * @param {number} least
 * @returns {(plot: unknown, min: number, max: number) => [number, number]}
 */
function rangeFrom(least) {
  return (_, __, max) => [0, max > 0 ? max * 1.1 : least];
}

/**
 * @param {Date} at
 * @param {string} range
 * @returns {string}
 */
function timeOf(at, range) {
  const time = at.toLocaleTimeString("en-GB", range === "hour" ? {} : { timeStyle: "short" });
  if (range === "hour") return time;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}
