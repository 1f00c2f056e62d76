import type { StackId } from "../../config/names.ts";

/** The tags of everything in AWS, the same words as the labels of containers; `Name` is what the console shows. */
export function tagsOf({ project, stack }: StackId, what: string): Record<string, string> {
  return { Name: `${project}-${stack}-${what}`, "bluegreen.project": project, "bluegreen.stack": stack };
}
