import { startClouds } from "../test/cloud/clouds.ts";
import { Project, succeeded } from "../test/cloud/project.ts";
import { StackOnMachine } from "../test/cloud/stack-on-machine.ts";

export interface EmptyAccountFigures {
  /** From `pulumi up` to the first answer at the host name, the machine's first boot among it. */
  readonly seconds: number;
  readonly created: number;
}

/**
 * `Pulumi.staging.yaml` by the real providers against the local clouds, with a test machine as its instance. What AWS and
 * Cloudflare themselves take is not in it.
 */
export async function measureEmptyAccount(): Promise<EmptyAccountFigures> {
  const clouds = await startClouds();
  const made: (() => Promise<void>)[] = [() => clouds.close()];
  try {
    const zone = clouds.cloudflare.account.addZone("example.com");
    const project = await Project.create("bench", { kind: "own" });
    made.push(() => project.remove());
    const staging = await StackOnMachine.create(clouds, project, "staging");
    made.push(() => staging.remove());
    const began = performance.now();
    const { changes } = succeeded(await staging.first());
    const { status, body } = await staging.visit(zone);
    const seconds = (performance.now() - began) / 1000;
    if (status !== 200) throw new Error(`the first answer was ${status}: ${body}`);
    return { seconds, created: changes["create"] ?? 0 };
  } finally {
    for (const remove of made.reverse()) await remove();
  }
}
