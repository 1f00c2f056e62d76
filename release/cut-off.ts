const told = new AbortController();
const stop = new AbortController();

/** Aborted once somebody cut this command off, by whatever signal. */
export const cutOff: AbortSignal = told.signal;

/**
 * Aborted by what reaches this process alone, such as a builder's SIGTERM: the engine has to be told. Of Ctrl-C and of a lost terminal the
 * engine hears itself, and a second word would make it give up in the middle of a step.
 */
export const engineStop: AbortSignal = stop.signal;

/** `again`: what a second signal does. */
export function listenForSignals(say: (text: string) => void, again: () => never): void {
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (told.signal.aborted) again();
      told.abort();
      if (signal === "SIGTERM") stop.abort();
      say(`${signal}: waiting for the engine to end its step; once more leaves everything as it stands`);
    });
  }
}
