import { Suspense, lazy, useState } from "react";
import { useLive } from "./live.ts";

declare const __BUILT_FOR__: string;

/** Loaded when it is asked for: by then the page's release may be the one before. */
const Jobs = lazy(() => import("./Jobs.tsx"));

/** What a visitor sees: the release that brought the page, the one that answers, and whether they are the same. */
export function App({ release }: { readonly release: string }) {
  const live = useLive();
  const [jobs, showJobs] = useState(false);
  return (
    <main className={live?.color}>
      <h1>Release {release}</h1>
      <p role="status">
        {live === undefined
          ? "asking which release is live…"
          : live.release === release
            ? `it is live, on ${live.color}`
            : `release ${live.release} is live now, on ${live.color}; this page goes on`}
      </p>
      {jobs ? (
        <Suspense fallback={<p>loading…</p>}>
          <Jobs />
        </Suspense>
      ) : (
        <button onClick={() => showJobs(true)}>Jobs</button>
      )}
      <footer>pages built for {__BUILT_FOR__}</footer>
    </main>
  );
}
