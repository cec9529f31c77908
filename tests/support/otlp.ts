import { Origin } from "./origin.ts";

/** A span that does not come fails the test, in place of its waiting for ever. */
const MAX_WAIT_MS = 20_000;

type Attributes = Readonly<Record<string, unknown>>;

/** A span as it was exported, in plain words. */
export interface ExportedSpan {
  readonly scope: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Attributes;
  /** 0 unset, 1 all is well, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly links: readonly { readonly spanId: string }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

interface Exported {
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
}

interface TraceExport {
  readonly resourceSpans: readonly {
    readonly resource: Exported;
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly (Omit<ExportedSpan, "attributes" | "scope"> & Exported)[];
    }[];
  }[];
}

/** A place on loopback that takes traces by OTLP over HTTP, as JSON. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ExportedSpan[] = [];
  /** Of the program that exports. */
  resource: Attributes = {};
  readonly #origin: Origin;
  #change = Promise.withResolvers<void>();

  constructor() {
    this.#origin = new Origin(async ({ target }, raw) => {
      const text = await raw.text();
      if (target === "/v1/traces") this.#take(JSON.parse(text));
      return Response.json({});
    });
  }

  /** What makes a program export here at once. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: this.#origin.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
    };
  }

  /** Our own spans so far, without the runtime's. */
  get own(): ExportedSpan[] {
    return this.spans.filter(({ scope }) => scope === "cache-proxy");
  }

  /** The first span of ours, past or to come, that fits; rejects when none comes. */
  async span(fits: (span: ExportedSpan) => boolean): Promise<ExportedSpan> {
    const overdue = Promise.withResolvers<never>();
    const timer = setTimeout(() => overdue.reject(new Error(this.#report())), MAX_WAIT_MS);
    try {
      for (;;) {
        const found = this.own.find(fits);
        if (found !== undefined) return found;
        await Promise.race([this.#change.promise, overdue.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#origin[Symbol.asyncDispose]();
  }

  #take({ resourceSpans }: TraceExport): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resource = attributesOf(resource);
      for (const { scope, spans } of scopeSpans) {
        this.spans.push(
          ...spans.map((span) => ({ ...span, scope: scope.name, attributes: attributesOf(span) })),
        );
      }
    }
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  #report(): string {
    const seen = this.own.map(({ name, attributes }) => `${name} ${JSON.stringify(attributes)}`);
    return ["There is no such span, but:", ...seen].join("\n");
  }
}

function attributesOf({ attributes }: Exported): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: Value): unknown {
  const { stringValue, intValue, doubleValue, boolValue } = value;
  return stringValue ?? (intValue === undefined ? doubleValue ?? boolValue : Number(intValue));
}
