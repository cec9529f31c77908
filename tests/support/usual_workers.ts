let workers = Number(Deno.env.get("CACHE_PROXY_TEST_WORKERS") ?? 1);

/**
 * Workers that serve where a test does not say. One, unless the environment has another number in
 * `CACHE_PROXY_TEST_WORKERS`: so any test can be run with several.
 */
export function usualWorkers(): number {
  return workers;
}

/** Has each proxy of this process that says nothing itself start with so many from now on. */
export function useWorkers(count: number): void {
  workers = count;
}
