/** What metrics.js uses of njs's request object. */
export interface MetricsRequest {
  readonly headersOut: Record<string, string>;
  return(status: number, text: string): void;
}

declare const module: {
  /** Answers the gateway's counts per colour, and where visitors go, in Prometheus' text format. */
  metrics(request: MetricsRequest): void;
};
export default module;
