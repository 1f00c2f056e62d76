/** What aside.js uses of njs's request object. */
export interface AsideRequest {
  readonly method: string;
  readonly status: number;
  readonly variables: Record<string, string | undefined>;
  readonly headersOut: Record<string, string | string[]>;
  return(status: number): void;
  internalRedirect(where: string): void;
}

declare const aside: {
  /** Keeps a request waiting while a hold lasts, shows it the page while maintenance is on, or sends it on. */
  handle(request: AsideRequest): void;
  /** Takes the team's secret for a cookie. */
  bypass(request: AsideRequest): void;
};
export default aside;
