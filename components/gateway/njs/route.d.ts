/** What route.js uses of njs's request object. */
export interface GatewayRequest {
  readonly variables: Record<string, string | undefined>;
}

declare const gateway: {
  /** The upstream of a request: blue, green or none. */
  route(request: GatewayRequest): string;
  /** Counts a finished request; answers its colour or "". */
  count(request: GatewayRequest): string;
  /** The state as "<live> <canary> <release.blue> <release.green>". */
  current(): string;
};
export default gateway;
