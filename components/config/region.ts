import * as pulumi from "@pulumi/pulumi";

/** The AWS provider's own setting `aws:region`; the config of an EC2 host is refused without it. */
export function awsRegion(): string | undefined {
  return new pulumi.Config("aws").get("region");
}

/** The same, where the host is in AWS. */
export function requireAwsRegion(): string {
  return new pulumi.Config("aws").require("region");
}
