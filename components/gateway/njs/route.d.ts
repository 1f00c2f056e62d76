/** What route.js uses of njs's request object. */
export interface GatewayRequest {
  readonly status: number;
  readonly variables: Record<string, string | undefined>;
}

declare const gateway: {
  /** The state as "<canary> <live> <release.blue> <release.green>", counted as begun for the live colour unless a canary runs. */
  now(): string;
  /** The upstream of a request while a canary runs: blue, green or none. Counts it as begun. */
  route(request: GatewayRequest): string;
  /** Counts a finished request of blue. */
  blue(request: GatewayRequest): string;
  /** Counts a finished request of green. */
  green(request: GatewayRequest): string;
  /** Adds the time to the first byte; answers "". */
  time(request: GatewayRequest): string;
  /** "1" when the request carries the token of the proof, else "". */
  proven(request: GatewayRequest): string;
  /** The state, as `now` says it, not counted. */
  current(): string;
};
export default gateway;
