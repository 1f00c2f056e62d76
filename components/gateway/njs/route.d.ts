/** What route.js uses of njs's request object. */
export interface GatewayRequest {
  readonly status: number;
  readonly variables: Record<string, string | undefined>;
}

declare const gateway: {
  /** What a request reads of the state (`seen`), counted as begun for the live colour unless a canary runs or visitors are kept aside. */
  now(): string;
  /** The upstream of a request while a canary runs, or for one that was kept aside: blue, green or none. Counts it as begun. */
  route(request: GatewayRequest): string;
  /** Counts a finished request of blue. */
  blue(request: GatewayRequest): string;
  /** Counts a finished request of green. */
  green(request: GatewayRequest): string;
  /** Adds the time to the first byte, or to the end of who gave up without one; answers "". */
  time(request: GatewayRequest): string;
  /** "1" when the request carries the token of the proof, else "". */
  proven(request: GatewayRequest): string;
  /** The state: "<canary> <live> <release.blue> <release.green>", and the seconds of Retry-After while maintenance is on. */
  current(): string;
  /** What a request reads of a state: "!" while maintenance is on or requests are held. */
  seen(state: string): string;
};
export default gateway;
