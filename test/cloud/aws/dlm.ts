import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type AwsAnswer, type Handler, json, refusal, serviceOf } from "./front-http.ts";

const tags = z.record(z.string(), z.string());
const schedule = z.strictObject({
  Name: z.string().min(1).max(120),
  CreateRule: z.strictObject({
    Interval: z.literal([1, 2, 3, 4, 6, 8, 12, 24]),
    IntervalUnit: z.literal("HOURS"),
    Times: z.array(z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/)).max(1),
    Location: z.literal("CLOUD").optional(),
    // Scripts on the machine before and after a snapshot: none here.
    Scripts: z.array(z.never()).optional(),
  }),
  RetainRule: z.strictObject({ Count: z.int().min(1).max(1000) }),
  CopyTags: z.boolean().optional(),
  TagsToAdd: z.array(z.strictObject({ Key: z.string(), Value: z.string() })).optional(),
  VariableTags: z.array(z.strictObject({ Key: z.string(), Value: z.string() })).optional(),
});
const policyDetails = z.strictObject({
  PolicyType: z.literal("EBS_SNAPSHOT_MANAGEMENT").default("EBS_SNAPSHOT_MANAGEMENT"),
  PolicyLanguage: z.literal("STANDARD").optional(),
  ResourceTypes: z.array(z.enum(["VOLUME", "INSTANCE"])).length(1),
  ResourceLocations: z.array(z.literal("CLOUD")).default(["CLOUD"]),
  TargetTags: z.array(z.strictObject({ Key: z.string().min(1), Value: z.string() })).min(1),
  Schedules: z.array(schedule).min(1).max(4),
});
const wanted = z.strictObject({
  Description: z.string().regex(/^[0-9A-Za-z _-]{0,500}$/),
  ExecutionRoleArn: z.string().regex(/^arn:aws:iam::\d{12}:role\/.+$/),
  State: z.enum(["ENABLED", "DISABLED"]),
  PolicyDetails: policyDetails,
  Tags: tags.default({}),
});
const changed = z.strictObject({
  Description: wanted.shape.Description.exactOptional(),
  ExecutionRoleArn: wanted.shape.ExecutionRoleArn.exactOptional(),
  State: wanted.shape.State.exactOptional(),
  PolicyDetails: policyDetails.exactOptional(),
});
type Policy = z.infer<typeof wanted> & { readonly id: string; readonly arn: string };

/** Lifecycle policies of snapshots, which moto has not: kept and checked by the rules of their documentation. */
export function dlm(): Handler {
  const policies = new Map<string, Policy>();
  const byArn = (arn: string) => [...policies.values()].find((policy) => policy.arn === arn);
  return (request) => {
    if (serviceOf(request) !== "dlm") return undefined;
    const { pathname, searchParams } = request.url;
    const body: unknown = request.body.length === 0 ? {} : JSON.parse(request.body.toString());
    const region = /\/\d{8}\/([^/]+)\/dlm\//.exec(request.headers["authorization"] ?? "")?.[1] ?? "";
    const arn = /^\/tags\/(.+)$/.exec(decodeURIComponent(pathname))?.[1];
    if (arn !== undefined) return tagging(request.method, byArn(arn), body, searchParams, policies);
    const id = /^\/policies\/(.+)$/.exec(pathname)?.[1];
    if (id === undefined) return create(policies, body, region);
    const policy = policies.get(id);
    if (policy === undefined) return refusal(404, "ResourceNotFoundException", `no policy ${id}`);
    return one(request.method, policies, policy, body);
  };
}

function create(policies: Map<string, Policy>, body: unknown, region: string): AwsAnswer {
  const asked = wanted.safeParse(body);
  // Upstream asks again for two minutes after an InvalidRequestException: a mistake of the test must not take so long.
  if (!asked.success) return refusal(400, "ValidationException", z.prettifyError(asked.error));
  const id = `policy-${randomBytes(8).toString("hex")}0`;
  policies.set(id, { ...asked.data, id, arn: `arn:aws:dlm:${region}:123456789012:policy/${id}` });
  return json(200, { PolicyId: id });
}

function one(method: string, policies: Map<string, Policy>, policy: Policy, body: unknown): AwsAnswer {
  if (method === "DELETE") {
    policies.delete(policy.id);
    return json(200, {});
  }
  if (method === "PATCH") {
    const asked = changed.safeParse(body);
    if (!asked.success) return refusal(400, "ValidationException", z.prettifyError(asked.error));
    policies.set(policy.id, { ...policy, ...asked.data });
    return json(200, {});
  }
  const { id, arn, ...rest } = policy;
  return json(200, { Policy: { ...rest, PolicyId: id, PolicyArn: arn } });
}

function tagging(
  method: string,
  policy: Policy | undefined,
  body: unknown,
  query: URLSearchParams,
  policies: Map<string, Policy>,
): AwsAnswer {
  if (policy === undefined) return refusal(404, "ResourceNotFoundException", "no such policy");
  if (method === "GET") return json(200, { Tags: policy.Tags });
  const removed = query.getAll("tagKeys");
  const added = method === "POST" ? z.object({ Tags: tags }).parse(body).Tags : {};
  const kept = Object.entries(policy.Tags).filter(([key]) => !removed.includes(key));
  policies.set(policy.id, { ...policy, Tags: { ...Object.fromEntries(kept), ...added } });
  return json(200, {});
}
