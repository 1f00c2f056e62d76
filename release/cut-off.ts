const told = new AbortController();
const stop = new AbortController();

/** Aborted once somebody cut this command off, by whatever signal. */
export const cutOff: AbortSignal = told.signal;

/**
 * Aborted by what the engine does not hear of, and has to be told: a builder's SIGTERM reaches this process alone, and to a lost terminal
 * the engine is deaf (engine.sh). Of Ctrl-C it hears itself, and a second word would make it give up in the middle of a step.
 */
export const engineStop: AbortSignal = stop.signal;

/** `again`: what a second signal does; but for SIGHUP, which a lost terminal sends twice, by its shell and by the kernel. */
export function listenForSignals(say: (text: string) => void, again: () => never): void {
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (told.signal.aborted && signal === "SIGHUP") return;
      if (told.signal.aborted) again();
      told.abort();
      if (signal !== "SIGINT") stop.abort();
      say(`${signal}: waiting for the engine to end its step; once more leaves everything as it stands`);
    });
  }
}
