import { type Measured, namesOf, ratioOf, titleWithMetric } from "./table.ts";

/** Whom the others are compared with. */
export const BASE = "nginx";

const WIDTH = 940;
const LINE_HEIGHT = 22;
const LEFT = 330;
const RIGHT = 30;
const TOP = 60;
const BOTTOM = 40;

/** The axis is logarithmic: twice as fast is as far from one as half as fast. */
const LEAST = 1 / 16;
const MOST = 16;
const TICKS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16];

/** Told apart by those who do not see all colours, too: Okabe and Ito's. */
const COLOURS = ["#d55e00", "#000000", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/**
 * A picture (SVG) of how the contestants stand to each work's base: a line a work, a dot each,
 * further to the right is better. Works without a base among the contestants are left out.
 */
export function plot(all: readonly Measured[]): string {
  const shown = all.filter(([work]) => work.base === BASE);
  const names = namesOf(shown);
  const height = TOP + shown.length * LINE_HEIGHT + BOTTOM;
  const bottom = height - BOTTOM;
  const ticks = TICKS.map((it) => {
    const at = position(it);
    const label = it < 1 ? `1/${1 / it}` : String(it);
    const colour = it === 1 ? "#444" : "#ddd";
    return `<path d="M${at} ${TOP - 8}V${bottom}" stroke="${colour}"/>` +
      `<text x="${at}" y="${bottom + 18}" text-anchor="middle">${label}</text>`;
  });
  const legend = names.map((name, index) => {
    const at = 30 + index * 125;
    return `<circle cx="${at}" cy="20" r="5" fill="${COLOURS[index % COLOURS.length]}"/>` +
      `<text x="${at + 10}" y="24">${name}</text>`;
  });
  const lines = shown.map((measured, index) =>
    lineOf(measured, names, TOP + index * LINE_HEIGHT + 8)
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...legend,
    ...ticks,
    ...lines,
    `<text x="${position(1)}" y="${TOP - 14}" text-anchor="middle">better than ${BASE} →</text>`,
    "</svg>\n",
  ].join("\n");
}

function lineOf([work, result]: Measured, names: readonly string[], y: number): string {
  const metric = work.metrics[0];
  const dots = names.map((name, index) => {
    const { median } = ratioOf(work, result, name);
    if (Number.isNaN(median)) return "";
    const ratio = metric?.better === "less" ? 1 / median : median;
    const title = `<title>${name}: ${median.toFixed(2)}</title>`;
    const colour = COLOURS[index % COLOURS.length];
    return `<circle cx="${position(ratio)}" cy="${y}" r="5" fill="${colour}">${title}</circle>`;
  });
  const label = titleWithMetric(work);
  // Ours, the first, is drawn over the others.
  return `<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${label}</text>` +
    dots.toReversed().join("");
}

/** Where a ratio stands from the left; those beyond the axis stand at its ends. */
function position(ratio: number): number {
  const bounded = Math.min(Math.max(ratio, LEAST), MOST);
  const share = Math.log(bounded / LEAST) / Math.log(MOST / LEAST);
  return Math.round((LEFT + share * (WIDTH - LEFT - RIGHT)) * 10) / 10;
}
