/** What control.js uses of njs's request object. */
export interface ControlRequest {
  readonly method: string;
  readonly args: Record<string, string>;
  readonly variables: Record<string, string | undefined>;
  readonly headersOut: Record<string, string>;
  return(status: number, text: string): void;
  subrequest(
    uri: string,
    options: { method: string; args: string },
  ): Promise<{ readonly status: number; readonly responseText: string }>;
}

declare const control: {
  state(request: ControlRequest): void;
  hold(request: ControlRequest): void;
  counts(request: ControlRequest): void;
  smoke(request: ControlRequest): Promise<void>;
};
export default control;
