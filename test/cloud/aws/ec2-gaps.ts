import { type AwsAnswer, type Handler, serviceOf } from "./front-http.ts";

const XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/";

/**
 * What moto's EC2 takes and forgets, kept here and put into its answers: the CPU credits of an instance, and the description of
 * a security group's rule about a prefix list.
 */
export function ec2Gaps(): Handler {
  const credits = new Map<string, string>();
  const descriptions = new Map<string, string>();
  return (request, moto) => {
    if (serviceOf(request) !== "ec2") return undefined;
    const form = new URLSearchParams(request.body.toString());
    switch (form.get("Action") ?? "") {
      case "RunInstances":
        return moto(request).then((answer) => {
          const asked = form.get("CreditSpecification.CpuCredits") ?? "standard";
          for (const id of all(answer, /<instanceId>(i-\w+)<\/instanceId>/g)) credits.set(id, asked);
          return answer;
        });
      case "ModifyInstanceCreditSpecification": {
        const id = form.get("InstanceCreditSpecification.1.InstanceId") ?? "";
        credits.set(id, form.get("InstanceCreditSpecification.1.CpuCredits") ?? "standard");
        const item = `<item><instanceId>${id}</instanceId></item>`;
        return xml(
          "ModifyInstanceCreditSpecification",
          `<successfulInstanceCreditSpecificationSet>${item}</successfulInstanceCreditSpecificationSet>`,
        );
      }
      case "DescribeInstanceCreditSpecifications": {
        const ids = [...form].filter(([key]) => key.startsWith("InstanceId.")).map(([, id]) => id);
        const items = ids.map(
          (id) =>
            `<item><instanceId>${id}</instanceId><cpuCredits>${credits.get(id) ?? "standard"}</cpuCredits></item>`,
        );
        return xml(
          "DescribeInstanceCreditSpecifications",
          `<instanceCreditSpecificationSet>${items.join("")}</instanceCreditSpecificationSet>`,
        );
      }
      case "AuthorizeSecurityGroupIngress":
        return moto(request).then((answer) => {
          const asked = form.get("IpPermissions.1.PrefixListIds.1.Description");
          const [id] = all(answer, /<securityGroupRuleId>(sgr-\w+)<\/securityGroupRuleId>/g);
          if (asked !== null && id !== undefined) descriptions.set(id, asked);
          return answer;
        });
      case "DescribeSecurityGroupRules":
        return moto(request).then((answer) => describe(answer, descriptions));
      default:
        return undefined;
    }
  };
}

const all = ({ body }: AwsAnswer, pattern: RegExp): string[] =>
  [...body.toString().matchAll(pattern)].map(([, id = ""]) => id);

const xml = (action: string, inside: string): AwsAnswer => ({
  status: 200,
  headers: { "content-type": "text/xml" },
  body: Buffer.from(
    `<${action}Response xmlns="${XMLNS}"><requestId>front</requestId>${inside}</${action}Response>`,
  ),
});

/** Puts the descriptions into the items of the rules they belong to. */
function describe(answer: AwsAnswer, descriptions: ReadonlyMap<string, string>): AwsAnswer {
  const told = answer.body.toString().replaceAll(/<item>.*?<\/item>/gs, (item) => {
    const id = /<securityGroupRuleId>(sgr-\w+)</.exec(item)?.[1];
    const description = descriptions.get(id ?? "");
    if (description === undefined) return item;
    const bare = item.replace(/<description\s*\/>|<description>.*?<\/description>/s, "");
    return bare.replace("<item>", `<item><description>${description}</description>`);
  });
  return { ...answer, body: Buffer.from(told) };
}
