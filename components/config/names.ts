import type { Part } from "../slot/parts.ts";
import type { Color } from "./schema.ts";

/** Which stack this is; every name carries both, so that stacks can share one Docker engine. */
export interface StackId {
  readonly project: string;
  readonly stack: string;
}

export interface Names {
  readonly network: string;
  readonly gateway: string;
  readonly postgres: string;
  readonly redis: string;
  readonly postgresVolume: string;
  readonly redisVolume: string;
  /** One container of a slot. */
  part(part: Part, color: Color): string;
  /** One for both slots: the engine itself lets no second one run. */
  readonly migration: string;
  /** The labels of every container. */
  labels(more?: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** The same for networks and volumes, in the provider's shape. */
  labelList(): { label: string; value: string }[];
}

/** The names of everything a stack makes: `<project>-<stack>-<what>[-<color>]`. */
export function namesOf({ project, stack }: StackId): Names {
  const prefix = `${project}-${stack}`;
  const labels = { "bluegreen.project": project, "bluegreen.stack": stack };
  return {
    network: prefix,
    gateway: `${prefix}-gateway`,
    postgres: `${prefix}-postgres`,
    redis: `${prefix}-redis`,
    postgresVolume: `${prefix}-postgres`,
    redisVolume: `${prefix}-redis`,
    part: (part, color) => `${prefix}-${part}-${color}`,
    migration: `${prefix}-migration`,
    labels: (more = {}) => ({ ...labels, ...more }),
    labelList: () => Object.entries(labels).map(([label, value]) => ({ label, value })),
  };
}
