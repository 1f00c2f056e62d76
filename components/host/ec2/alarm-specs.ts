import { type InstanceTypeName, instanceType } from "../../config/instance-types.ts";

/** Where `metrics.sh` puts what AWS cannot see from outside the machine. */
export const NAMESPACE = "Bluegreen";
/** DiskUsedPercent and MemoryAvailablePercent. */
export const CUSTOM_METRICS = 2;

export interface AlarmSpec {
  readonly name: string;
  /** What a person reads in the mail: what happened and what to do. */
  readonly description: string;
  readonly namespace: "AWS/EC2" | typeof NAMESPACE;
  readonly metricName: string;
  readonly comparison: "GreaterThanThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly statistic: "Maximum" | "Minimum";
  readonly periodSeconds: number;
  readonly periods: number;
  /** What silence means: of the machine's own metrics, that it cannot speak any more. */
  readonly silence: "missing" | "breaching";
  /** What AWS does by itself, besides the mail. */
  readonly action?: "recover" | "reboot";
}

const status = {
  namespace: "AWS/EC2",
  comparison: "GreaterThanThreshold",
  threshold: 0,
  statistic: "Maximum",
} as const;

/** Everything that is watched on a machine of a type. */
export function alarmsOf(name: InstanceTypeName): readonly AlarmSpec[] {
  const { credits } = instanceType(name);
  return [
    {
      ...status,
      name: "recover",
      description: "AWS's side of the machine failed for 2 minutes; it is being moved to other hardware.",
      metricName: "StatusCheckFailed_System",
      periodSeconds: 60,
      periods: 2,
      silence: "missing",
      action: "recover",
    },
    {
      ...status,
      name: "reboot",
      // Longer than a first boot's own restart of services, and than a kernel update.
      description: "The machine's system did not answer for 5 minutes; it is being rebooted.",
      metricName: "StatusCheckFailed_Instance",
      periodSeconds: 60,
      periods: 5,
      silence: "missing",
      action: "reboot",
    },
    {
      name: "disk",
      description:
        "A disk is fuller than 80 %, or the machine is silent; docs/replace-the-host.md says how to grow one.",
      namespace: NAMESPACE,
      metricName: "DiskUsedPercent",
      comparison: "GreaterThanThreshold",
      threshold: 80,
      statistic: "Maximum",
      periodSeconds: 300,
      periods: 3,
      silence: "breaching",
    },
    {
      name: "memory",
      description: "Less than 8 % of the memory is available, or the machine is silent.",
      namespace: NAMESPACE,
      metricName: "MemoryAvailablePercent",
      comparison: "LessThanThreshold",
      threshold: 8,
      statistic: "Minimum",
      periodSeconds: 300,
      periods: 3,
      silence: "breaching",
    },
    ...(credits === undefined ? [] : [creditAlarm(credits.earnedPerHour)]),
  ];
}

/** For three hours less in hand than one hour earns: the machine lives above its baseline, which is paid for by the hour. */
const creditAlarm = (earnedPerHour: number): AlarmSpec => ({
  name: "credits",
  description:
    "The machine has used up its CPU credits: busier than its type is made for, it costs more (t3, t4g) or slows down (t2).",
  namespace: "AWS/EC2",
  metricName: "CPUCreditBalance",
  comparison: "LessThanThreshold",
  threshold: earnedPerHour,
  statistic: "Maximum",
  periodSeconds: 3600,
  periods: 3,
  silence: "missing",
});
