import { useEffect, useState } from "react";

/** What the API says of itself. */
export interface Live {
  readonly release: string;
  readonly color: string;
}

const ASK_EVERY_MS = 3000;

/** The release that answers now, asked again and again; `undefined` as long as none has answered. */
export function useLive(everyMs = ASK_EVERY_MS): Live | undefined {
  const [live, setLive] = useState<Live>();
  useEffect(() => {
    const stopping = new AbortController();
    const ask = async () => {
      const found = await askLive(stopping.signal);
      if (found !== undefined && !stopping.signal.aborted) setLive(found);
    };
    void ask();
    const timer = setInterval(() => void ask(), everyMs);
    return () => {
      stopping.abort();
      clearInterval(timer);
    };
  }, [everyMs]);
  return live;
}

/** An API that does not answer for a moment is no news: what was known stays. */
async function askLive(signal: AbortSignal): Promise<Live | undefined> {
  try {
    const answer = await fetch("/version", { signal, cache: "no-store" });
    return answer.ok ? ((await answer.json()) as Live) : undefined;
  } catch {
    return undefined;
  }
}
