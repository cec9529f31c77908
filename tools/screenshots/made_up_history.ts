import { HISTORY_RANGES } from "../../src/server/admin/history.ts";

/** As in `src/server/admin/history.ts`. */
const RANGES = { hour: [10, 360], day: [300, 288], month: [7200, 372] } as const;

const DAY_S = 86_400;

/** What the proxy's own file of its history would hold after a month with ups and downs. */
export function madeUpHistory(
  now: number,
  cacheBytes: number,
): Readonly<Record<string, unknown>> {
  const rings = HISTORY_RANGES.map((range) => {
    const [step, length] = RANGES[range];
    const last = Math.floor(now / 1000 / step);
    const steps = Array.from({ length }, (_, at) => last - length + 1 + at);
    return [range, steps.map((number) => madeUpStep(number, step, now, cacheBytes))];
  });
  return { format: 1, ...Object.fromEntries(rings) };
}

/** Busy by day, with a class of students twice an hour; the same at each run. */
function madeUpStep(
  number: number,
  step: number,
  now: number,
  cacheBytes: number,
): readonly number[] {
  const at = number * step;
  const byDay = 1.15 + Math.sin((at % DAY_S) / DAY_S * 2 * Math.PI - 2);
  const byClass = Math.exp(-(((at % 1800) - 900) ** 2) / 40_000);
  const jitter = 0.8 + 0.4 * pseudoRandom(number);
  const perSecond = (4 * byDay + 30 * byClass) * jitter;
  const hitRatio = 0.86 + 0.1 * pseudoRandom(number + 7);
  const toClients = perSecond * 1_100_000;
  const age = now / 1000 - at;
  const wave = Math.sin(at / 40_000) - Math.sin(now / 40_000_000);
  return [
    number,
    Math.round(perSecond * step),
    Math.round(perSecond * hitRatio * step),
    Math.round(toClients * step),
    Math.round(toClients * (1 - hitRatio) * step),
    Math.max(0, Math.round(cacheBytes * (1 + 0.02 * wave) - age * 120)),
  ];
}

/** From 0 up to but without 1. */
function pseudoRandom(seed: number): number {
  const value = Math.sin(seed * 12.9898) * 43758.5453;
  return value - Math.floor(value);
}
