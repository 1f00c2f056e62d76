import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../message-of.ts";

const LARGEST_BYTES = 262_144;

/**
 * The team's own page of maintenance, from a file of the project.
 * @throws RunError where there is none, or one too large for the gateway to carry
 */
export function readPage(path: string): string {
  const text = textOf(path);
  if (Buffer.byteLength(text) > LARGEST_BYTES) {
    throw wrong(path, `is larger than ${LARGEST_BYTES} bytes: what it shows is to be in it, and small`);
  }
  // As the host's script carries it.
  const lines = text.replaceAll("\r\n", "\n");
  return lines.endsWith("\n") ? lines : `${lines}\n`;
}

function textOf(path: string): string {
  try {
    return readFileSync(resolve(path), "utf8");
  } catch (error) {
    throw wrong(path, `cannot be read: ${messageOf(error)}`);
  }
}

function wrong(path: string, what: string): pulumi.RunError {
  return new pulumi.RunError(
    `gateway.maintenancePage: ${path} ${what}\n  fix: pulumi config rm --path gateway.maintenancePage`,
  );
}
