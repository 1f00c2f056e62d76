import { pythonProgram, pythonStep } from "./python.ts";

/** The Python that has moto. @throws Error before the step has put it there */
export async function motoPython(): Promise<string> {
  const python = await pythonProgram("moto", "python");
  if (python === undefined) throw new Error("moto is not installed: run `make test-cloud`");
  return python;
}

/** Puts moto, which answers as AWS does, into an environment of its own. */
export const motoStep = pythonStep("moto", "the local AWS API");
