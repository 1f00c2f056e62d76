import { git, whoRuns } from "../components/who.ts";
import { Refusal } from "./outcome.ts";

export function headCommit(): Promise<string | undefined> {
  return git("rev-parse", "HEAD");
}

/** @throws Refusal where the machine knows no name */
export async function whoami(): Promise<string> {
  const name = await whoRuns();
  if (name === "") throw new Refusal("nobody is named as who releases", "add --by NAME");
  return name;
}
