import { LifecyclePolicy } from "@pulumi/aws/dlm/lifecyclePolicy.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Settings } from "../../config/ec2-schema.ts";
import type { StackId } from "../../config/names.ts";
import { bucketPolicy, trust } from "./policies.ts";
import { tagsOf } from "./tags.ts";
import { SNAPSHOT_TAG } from "./volume.ts";

export interface Ec2BackupArgs {
  readonly id: StackId;
  readonly snapshots: Ec2Settings["snapshots"];
}

/** How long a backup that was overwritten can still be had back. */
const OLD_VERSIONS_DAYS = 35;
/** UTC, the first snapshot of a day; the others follow each `everyHours`. */
const FIRST_SNAPSHOT = "02:45";

/**
 * Two ways back: snapshots of the whole data volume by schedule (consistent as after a power cut, which Postgres
 * recovers from), and a bucket for the databases' own backups, which the machine can write to and not delete from.
 */
export class Ec2Backup extends pulumi.ComponentResource {
  readonly bucketArn: pulumi.Output<string>;

  constructor(name: string, { id, snapshots }: Ec2BackupArgs, opts: pulumi.ComponentResourceOptions) {
    super("bluegreen:host:Ec2Backup", name, {}, opts);
    this.bucketArn = this.makeBucket(name, id);
    const child = { parent: this };
    const role = new Role(
      `${name}-role`,
      { assumeRolePolicy: trust("dlm.amazonaws.com"), tags: tagsOf(id, "snapshots") },
      child,
    );
    const rights = new RolePolicyAttachment(
      `${name}-rights`,
      {
        role: role.name,
        policyArn: "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole",
      },
      child,
    );
    new LifecyclePolicy(
      `${name}-snapshots`,
      {
        description: `Snapshots of the data volume of ${id.project}-${id.stack}`,
        executionRoleArn: role.arn,
        state: "ENABLED",
        policyDetails: {
          resourceTypes: ["VOLUME"],
          targetTags: { [SNAPSHOT_TAG]: `${id.project}-${id.stack}` },
          schedules: [
            {
              name: `every ${snapshots.everyHours} hours`,
              createRule: { interval: snapshots.everyHours, intervalUnit: "HOURS", times: FIRST_SNAPSHOT },
              retainRule: { count: snapshots.keep },
              copyTags: true,
            },
          ],
        },
        tags: tagsOf(id, "snapshots"),
      },
      { parent: this, dependsOn: rights },
    );
    this.registerOutputs({ bucketArn: this.bucketArn });
  }

  private makeBucket(name: string, id: StackId): pulumi.Output<string> {
    const child = { parent: this };
    const { id: bucket, arn } = new Bucket(
      `${name}-bucket`,
      { tags: tagsOf(id, "backup") },
      { parent: this, protect: true, retainOnDelete: true },
    );
    const versioning = new BucketVersioning(
      `${name}-versions`,
      { bucket, versioningConfiguration: { status: "Enabled" } },
      child,
    );
    new BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      { bucket, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      child,
    );
    const closed = new BucketPublicAccessBlock(
      `${name}-closed`,
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      child,
    );
    // Two changes of a bucket's access at the same time are a conflict to S3.
    new BucketPolicy(
      `${name}-tls`,
      { bucket, policy: arn.apply(bucketPolicy) },
      { parent: this, dependsOn: closed },
    );
    new BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        bucket,
        rules: [
          {
            id: "old-versions",
            status: "Enabled",
            filter: {},
            noncurrentVersionExpiration: { noncurrentDays: OLD_VERSIONS_DAYS },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
        ],
      },
      { parent: this, dependsOn: versioning },
    );
    return arn;
  }
}
