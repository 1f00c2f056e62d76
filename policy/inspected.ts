import { z } from "zod";

const texts = z
  .array(z.string())
  .nullable()
  .transform((list) => list ?? []);

/** What of `docker inspect` the benchmark asks about. Unknown fields are passed over. */
export const inspected = z.object({
  Name: z.string(),
  AppArmorProfile: z.string(),
  Config: z.object({
    User: z.string(),
    Healthcheck: z.object({ Test: texts }).optional(),
  }),
  HostConfig: z.object({
    Privileged: z.boolean(),
    CapAdd: texts,
    CapDrop: texts,
    SecurityOpt: texts,
    ReadonlyRootfs: z.boolean(),
    Memory: z.number(),
    MemorySwap: z.number(),
    CpuShares: z.number(),
    PidsLimit: z.number().nullable().optional(),
    NetworkMode: z.string(),
    PidMode: z.string(),
    IpcMode: z.string(),
    UTSMode: z.string(),
    UsernsMode: z.string(),
    CgroupParent: z.string(),
    RestartPolicy: z.object({ Name: z.string() }),
    Devices: z
      .array(z.unknown())
      .nullable()
      .transform((list) => list ?? []),
    Ulimits: z
      .array(z.unknown())
      .nullable()
      .transform((list) => list ?? []),
    PortBindings: z
      .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })))
      .nullable()
      .transform((bindings) => Object.values(bindings ?? {}).flat()),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()) }),
  Mounts: z.array(
    z.object({ Type: z.string(), Source: z.string(), Destination: z.string(), Propagation: z.string() }),
  ),
});

export type Inspected = z.output<typeof inspected>;
