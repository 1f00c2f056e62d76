import { Budget } from "@pulumi/aws/budgets/budget.js";
import { MetricAlarm } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { TopicSubscription } from "@pulumi/aws/sns/topicSubscription.js";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import type { StackId } from "../../config/names.ts";
import { type AlarmSpec, NAMESPACE, alarmsOf } from "./alarm-specs.ts";
import { tagsOf } from "./tags.ts";

export interface Ec2AlarmsArgs {
  readonly id: StackId;
  readonly region: string;
  readonly settings: Pick<Ec2Settings, "instanceType" | "alerts">;
  readonly instanceId: pulumi.Input<string>;
}

/**
 * Mails when the machine fails, fills up, slows down or falls silent, and when the account costs more than was meant.
 * The address gets a mail to confirm first: until somebody clicks in it, AWS sends nothing.
 */
export class Ec2Alarms extends pulumi.ComponentResource {
  constructor(name: string, args: Ec2AlarmsArgs, opts: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2Alarms", name, {}, opts);
    const { id, region, settings } = args;
    const child = { parent: this };
    const topic = new Topic(`${name}-topic`, { tags: tagsOf(id, "alarms") }, child);
    new TopicSubscription(
      `${name}-mail`,
      { topic: topic.arn, protocol: "email", endpoint: settings.alerts.mail },
      child,
    );
    for (const spec of alarmsOf(settings.instanceType)) {
      new MetricAlarm(
        `${name}-${spec.name}`,
        {
          alarmDescription: `${id.project}-${id.stack}: ${spec.description}`,
          namespace: spec.namespace,
          metricName: spec.metricName,
          dimensions: dimensionsOf(spec, args),
          comparisonOperator: spec.comparison,
          threshold: spec.threshold,
          statistic: spec.statistic,
          period: spec.periodSeconds,
          evaluationPeriods: spec.periods,
          treatMissingData: spec.silence,
          alarmActions: [
            topic.arn,
            ...(spec.action ? [`arn:aws:automate:${region}:ec2:${spec.action}`] : []),
          ],
          okActions: [topic.arn],
          tags: tagsOf(id, spec.name),
        },
        child,
      );
    }
    new Budget(
      `${name}-budget`,
      {
        // The whole account: a budget of one stack would count nothing until its tags are activated for billing by hand.
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: settings.alerts.budgetUsd.toFixed(1),
        limitUnit: "USD",
        notifications: [warning("ACTUAL", 80, settings), warning("FORECASTED", 100, settings)],
        tags: tagsOf(id, "budget"),
      },
      child,
    );
    this.registerOutputs();
  }
}

const warning = (
  notificationType: "ACTUAL" | "FORECASTED",
  threshold: number,
  { alerts }: Pick<Ec2Settings, "alerts">,
) => ({
  notificationType,
  comparisonOperator: "GREATER_THAN",
  threshold,
  thresholdType: "PERCENTAGE",
  subscriberEmailAddresses: [alerts.mail],
});

function dimensionsOf(
  spec: AlarmSpec,
  { id, instanceId }: Ec2AlarmsArgs,
): Record<string, pulumi.Input<string>> {
  switch (spec.namespace) {
    case "AWS/EC2":
      return { InstanceId: instanceId };
    // Not the instance's id: the machine that takes its place goes on where it left off.
    case NAMESPACE:
      return { Stack: `${id.project}-${id.stack}` };
  }
}
