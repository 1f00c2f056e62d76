import { z } from "zod";
import { type AwsAnswer, type Handler, json, operationOf, refusal } from "./front-http.ts";

const account = z.string().regex(/^\d{12}$/);
const seconds = z.number();
const tag = z.strictObject({ Key: z.string(), Value: z.string() });
const budget = z.looseObject({
  BudgetName: z.string().regex(/^[^:\\]{1,100}$/),
  BudgetType: z.enum(["COST", "USAGE"]),
  TimeUnit: z.enum(["DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY"]),
  BudgetLimit: z.strictObject({ Amount: z.string().regex(/^\d+(\.\d+)?$/), Unit: z.string() }),
  TimePeriod: z.object({ Start: seconds.optional(), End: seconds.optional() }).optional(),
});
const notification = z.strictObject({
  NotificationType: z.enum(["ACTUAL", "FORECASTED"]),
  ComparisonOperator: z.enum(["GREATER_THAN", "LESS_THAN", "EQUAL_TO"]),
  Threshold: z.number().positive(),
  ThresholdType: z.enum(["PERCENTAGE", "ABSOLUTE_VALUE"]).optional(),
  NotificationState: z.string().optional(),
});
const subscriber = z.discriminatedUnion("SubscriptionType", [
  z.strictObject({ SubscriptionType: z.literal("EMAIL"), Address: z.email() }),
  z.strictObject({ SubscriptionType: z.literal("SNS"), Address: z.string().startsWith("arn:aws:sns:") }),
]);
type Notification = z.infer<typeof notification>;

interface Kept {
  budget: z.infer<typeof budget>;
  notifications: { readonly rule: Notification; subscribers: z.infer<typeof subscriber>[] }[];
  tags: z.infer<typeof tag>[];
}

const key = (rule: Notification): string =>
  `${rule.NotificationType} ${rule.ComparisonOperator} ${rule.Threshold} ${rule.ThresholdType ?? "PERCENTAGE"}`;

const created = z.object({ AccountId: account, Budget: budget, ResourceTags: z.array(tag).optional() });
const changed = z.object({ AccountId: account, NewBudget: budget });
const named = z.object({ AccountId: account, BudgetName: z.string() });
const warned = named.extend({
  Notification: notification,
  Subscribers: z.array(subscriber).min(1).max(11).optional(),
});
const tagged = z.object({
  ResourceARN: z.string(),
  ResourceTags: z.array(tag).optional(),
  ResourceTagKeys: z.array(z.string()).optional(),
});

/** Budgets, of which moto has only a part: kept and checked by the rules of their documentation. */
export function budgets(): Handler {
  const all = new Map<string, Kept>();
  return (request) => {
    const operation = operationOf(request, "AWSBudgetServiceGateway");
    if (operation === undefined) return undefined;
    try {
      return answer(all, operation, JSON.parse(request.body.toString()));
    } catch (error) {
      if (error instanceof z.ZodError)
        return refusal(400, "InvalidParameterException", z.prettifyError(error));
      throw error;
    }
  };
}

/** A month's first second, from which a budget without a start counts. */
function startOfMonth(): number {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) / 1000;
}

function answer(all: Map<string, Kept>, operation: string, input: unknown): AwsAnswer {
  switch (operation) {
    case "CreateBudget": {
      const { Budget: asked, ResourceTags: tags = [] } = created.parse(input);
      if (all.has(asked.BudgetName)) return refusal(400, "DuplicateRecordException", "the budget exists");
      const period = { Start: startOfMonth(), End: 3_706_473_600, ...asked.TimePeriod };
      all.set(asked.BudgetName, { budget: { ...asked, TimePeriod: period }, notifications: [], tags });
      return json(200, {});
    }
    case "UpdateBudget": {
      const { NewBudget: asked } = changed.parse(input);
      const kept = all.get(asked.BudgetName);
      if (kept !== undefined) kept.budget = { ...kept.budget, ...asked };
      return kept === undefined ? none : json(200, {});
    }
    case "ListTagsForResource":
    case "TagResource":
    case "UntagResource":
      return tagging(all, operation, tagged.parse(input));
    default: {
      const kept = all.get(named.parse(input).BudgetName);
      return kept === undefined ? none : ofOne(all, kept, operation, input);
    }
  }
}

const none = refusal(400, "NotFoundException", "no such budget or notification");

function ofOne(all: Map<string, Kept>, kept: Kept, operation: string, input: unknown): AwsAnswer {
  switch (operation) {
    case "DescribeBudget":
      return json(200, { Budget: kept.budget });
    case "DeleteBudget":
      all.delete(kept.budget.BudgetName);
      return json(200, {});
    case "DescribeNotificationsForBudget":
      return json(200, { Notifications: kept.notifications.map(({ rule }) => rule) });
  }
  const { Notification: rule, Subscribers: subscribers = [] } = warned.parse(input);
  const known = kept.notifications.find((other) => key(other.rule) === key(rule));
  switch (operation) {
    case "CreateNotification":
      if (known !== undefined) return refusal(400, "DuplicateRecordException", "the notification exists");
      kept.notifications.push({ rule, subscribers });
      return json(200, {});
    case "DeleteNotification":
      kept.notifications = kept.notifications.filter((other) => other !== known);
      return known === undefined ? none : json(200, {});
    case "DescribeSubscribersForNotification":
      return known === undefined ? none : json(200, { Subscribers: known.subscribers });
    default:
      return refusal(400, "InvalidAction", `${operation} is not answered here`);
  }
}

function tagging(all: Map<string, Kept>, operation: string, asked: z.infer<typeof tagged>): AwsAnswer {
  const kept = all.get(asked.ResourceARN.split("budget/").at(-1) ?? "");
  if (kept === undefined) return none;
  const gone = [...(asked.ResourceTagKeys ?? []), ...(asked.ResourceTags ?? []).map(({ Key }) => Key)];
  if (operation !== "ListTagsForResource")
    kept.tags = [...kept.tags.filter(({ Key }) => !gone.includes(Key)), ...(asked.ResourceTags ?? [])];
  return json(200, operation === "ListTagsForResource" ? { ResourceTags: kept.tags } : {});
}
