import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricDescriptor,
} from "@opentelemetry/sdk-metrics";
import type { CountedBuckets, Labels, Metric, Sample } from "./metric_set.ts";

/** The type of what `prometheusText` gives. */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The library asks for times of each value; Prometheus takes that of its scrape. */
const NO_TIME: DataPoint<unknown>["startTime"] = [0, 0];

/** `ValueType.DOUBLE`; to have it by its name would load the API for this alone. */
const DOUBLE: MetricDescriptor["valueType"] = 1;

const PREFIX = undefined;
const APPENDS_TIME = false;
const RESOURCE_LABELS = undefined;

/** `target_info` and the labels `otel_scope_…` tell of who counts: that is always us. */
const WITHOUT_TARGET_INFO = true;
const WITHOUT_SCOPE_LABELS = true;

const SERIALIZER = new PrometheusSerializer(
  PREFIX,
  APPENDS_TIME,
  RESOURCE_LABELS,
  WITHOUT_TARGET_INFO,
  WITHOUT_SCOPE_LABELS,
);

/**
 * Metrics as they are now, in the text format of Prometheus, which others read as well:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function prometheusText(metrics: readonly Metric[]): string {
  const scopeMetrics = [{ scope: { name: "cache-proxy" }, metrics: metrics.map(dataOf) }];
  return SERIALIZER.serialize({ resource: emptyResource(), scopeMetrics });
}

function dataOf(metric: Metric): MetricData {
  const { name, help: description } = metric;
  const descriptor = { name, description, unit: "", valueType: DOUBLE };
  const base = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  switch (metric.type) {
    case "counter": {
      const dataPoints = metric.read().map(valuePoint);
      return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    }
    case "gauge":
      return {
        ...base,
        dataPointType: DataPointType.GAUGE,
        dataPoints: metric.read().map(valuePoint),
      };
    case "histogram":
      return {
        ...base,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: metric.read().map(histogramPoint),
      };
  }
}

function valuePoint([value, labels]: Sample): DataPoint<number> {
  return point(value, labels);
}

function histogramPoint([{ bounds, counts, sum }, labels]: CountedBuckets): DataPoint<Histogram> {
  const count = counts.reduce((sum, own) => sum + own, 0);
  return point({ buckets: { boundaries: [...bounds], counts: [...counts] }, count, sum }, labels);
}

function point<T>(value: T, labels: Labels = {}): DataPoint<T> {
  return { startTime: NO_TIME, endTime: NO_TIME, attributes: labels, value };
}
