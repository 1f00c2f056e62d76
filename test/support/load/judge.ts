import type { Answer } from "./connection.ts";
import type { Color } from "./types.ts";

export type Verdict = { readonly color: string } | { readonly error: string };

function field(body: unknown, name: string): string | undefined {
  if (typeof body !== "object" || body === null || !(name in body)) return undefined;
  const value: unknown = Reflect.get(body, name);
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** The body as JSON; undefined where it says it is something else or cannot be read. */
function parseBody(answer: Answer): unknown {
  if (answer.headers.get("content-type")?.startsWith("application/json") !== true) return undefined;
  try {
    return JSON.parse(answer.body);
  } catch {
    return undefined;
  }
}

export function isColor(value: string | undefined): value is Color {
  return value === "blue" || value === "green";
}

/**
 * What one answer is worth. `allowed` are the colours that could rightly answer between its sending and its coming.
 * With `bodySays` the body must name colour and release; otherwise it may, and must then agree with the headers.
 */
export function judge(answer: Answer, allowed: readonly Color[], bodySays: boolean): Verdict {
  if (answer.status < 200 || answer.status > 299) return { error: `status ${answer.status}` };
  const color = answer.headers.get("x-color");
  const release = answer.headers.get("x-release");
  if (!isColor(color) || release === undefined) {
    return { error: `no colour: X-Color ${color ?? "absent"}, X-Release ${release ?? "absent"}` };
  }
  const body = parseBody(answer);
  const said = { color: field(body, "color"), release: field(body, "release") };
  if (bodySays && (said.color === undefined || said.release === undefined)) {
    return { error: "the body does not say its colour and release" };
  }
  if ((said.color ?? color) !== color || (said.release ?? release) !== release) {
    return {
      error: `header says ${color} ${release}, body says ${said.color ?? "nothing"} ${said.release ?? "nothing"}`,
    };
  }
  // The application's own word, where the body has no place for it.
  const app = { color: answer.headers.get("x-app-color"), release: answer.headers.get("x-app-release") };
  if ((app.color ?? color) !== color || (app.release ?? release) !== release) {
    return {
      error: `header says ${color} ${release}, application says ${app.color ?? "nothing"} ${app.release ?? "nothing"}`,
    };
  }
  if (!allowed.includes(color)) return { error: `answered by ${color}, expected ${allowed.join(" or ")}` };
  return { color };
}
