import { useState } from "react";

interface Counts {
  readonly done: number;
  readonly repeated: number;
}

/** Asks for jobs, and counts those that are done. */
export default function Jobs() {
  const [text, setText] = useState("");
  const enqueue = async () => {
    const prefix = `page-${crypto.randomUUID()}`;
    const answer = await fetch("/jobs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prefix, count: 10 }),
    });
    setText(answer.ok ? "10 jobs are enqueued" : `the API answers ${answer.status}`);
  };
  const count = async () => {
    const answer = await fetch("/jobs");
    if (!answer.ok) return setText(`the API answers ${answer.status}`);
    const { done } = (await answer.json()) as Counts;
    setText(`${done} jobs are done`);
  };
  return (
    <section>
      <button onClick={() => void enqueue()}>Enqueue ten</button>
      <button onClick={() => void count()}>Count</button>
      <p role="log">{text}</p>
    </section>
  );
}
