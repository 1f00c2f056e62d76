import { z } from "zod";
import { networkSchema } from "../../config/ec2-schema.ts";

/** What a stack remembers of its EC2 machine between two runs; public facts only. */
export const ec2Record = z.strictObject({
  /** What the machine was made from (`planMachine` says): another text makes it anew. */
  birth: z.string(),
  image: z.strictObject({
    /** The channel with its architecture and region, or the pinned id itself. */
    source: z.string(),
    id: z.string(),
  }),
  /** Where the data volume lies, which it can never leave. */
  region: z.string(),
  network: networkSchema,
  dataVolumeGb: z.int(),
  instanceId: z.string(),
  /** What the deployer's connections go to. */
  address: z.string(),
  /** The key that the machine made for itself; the one it was born with is gone. */
  hostKey: z.string(),
});
export type Ec2Record = z.infer<typeof ec2Record>;
