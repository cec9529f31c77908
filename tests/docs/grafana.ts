import { readProject } from "./pages.ts";

/** As far as we look at a dashboard. */
export interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly panels: readonly Panel[];
}

/** One plot or number; a row has no targets. */
export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

/** docs/grafana-dashboard.json. */
export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await readProject("docs/grafana-dashboard.json"));
}

/** All queries of a dashboard, its variables replaced as Grafana does. */
export function queriesOf({ panels }: Dashboard): string[] {
  const targets = panels.flatMap((panel) => panel.targets ?? []);
  return targets.map(({ expr }) =>
    expr.replaceAll("$instance", ".+").replaceAll("$__rate_interval", "1m")
      .replaceAll("$__range", "1h")
  );
}
