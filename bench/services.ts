import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { release } from "../test/support/images.ts";
import { Stack } from "../test/support/stack.ts";
import type { Spread } from "./flips.ts";
import { spread } from "./flips.ts";
import { noOpPreview, repeat } from "./stack.ts";

export interface ServicesFigures {
  readonly services: number;
  /** Of the whole stack, the services among them. */
  readonly resources: number;
  readonly previewSeconds: Spread;
}

const counts = [0, 10, 50, 100] as const;

/** How long a preview with nothing to do takes as services are added to the stack, by the real `pulumi`. */
export async function measureServices(): Promise<readonly ServicesFigures[]> {
  const stack = await Stack.create("services", { active: "blue", blue: await release("1") });
  const file = fileURLToPath(new URL("more-services.ts", import.meta.url));
  try {
    await mkdir(path.join(stack.project, "bench"));
    await cp(file, path.join(stack.project, "bench/more-services.ts"));
    const index = path.join(stack.project, "index.ts");
    // Containers that are never started are nothing that the project's rules let through.
    const program = (await readFile(index, "utf8")).replace(/^enforceRules\(.*\n/m, "");
    const found: ServicesFigures[] = [];
    for (const services of counts) {
      // But for that the program that users have, and two lines more.
      const more =
        'import { declareServices } from "./bench/more-services.ts";\n' +
        `declareServices(${services}, host, names, settings.redis.image);\n`;
      await writeFile(index, `${program}\n${more}`);
      found.push(await measure(stack, services));
    }
    return found;
  } finally {
    await stack.remove();
  }
}

async function measure(stack: Stack, services: number): Promise<ServicesFigures> {
  const up = await stack.upOk();
  const seconds = await repeat(() => noOpPreview(stack));
  const resources = Object.values(up.changes).reduce((sum, count) => sum + count, 0);
  return { services, resources, previewSeconds: spread(seconds) };
}
