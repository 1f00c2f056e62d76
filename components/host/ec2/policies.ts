/** Lets one AWS service take a role. */
export function trust(service: "ec2.amazonaws.com" | "dlm.amazonaws.com"): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } }],
  });
}

export interface MachineRights {
  /** ARN of the stack's backup bucket. */
  readonly bucketArn: string;
  /** ARN of the stack's own parameters, with a final `/*`. */
  readonly parametersArn: string;
  /** The one CloudWatch namespace the machine may write to. */
  readonly namespace: string;
}

/**
 * What the machine may do, and nothing else: carry a Session Manager session, write and read its backups, read its own
 * parameters, report its metrics. Backups it can add and not remove: a machine that was broken into keeps yesterday's.
 */
export function machinePolicy({ bucketArn, parametersArn, namespace }: MachineRights): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        // AWS's minimum for Session Manager; none of these actions knows resources. The managed policy adds all parameters.
        Sid: "Session",
        Effect: "Allow",
        Action: [
          "ssm:UpdateInstanceInformation",
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ],
        Resource: "*",
      },
      {
        Sid: "Backups",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: `${bucketArn}/*`,
      },
      { Sid: "BackupList", Effect: "Allow", Action: "s3:ListBucket", Resource: bucketArn },
      {
        Sid: "Parameters",
        Effect: "Allow",
        Action: ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
        Resource: parametersArn,
      },
      {
        Sid: "Metrics",
        Effect: "Allow",
        Action: "cloudwatch:PutMetricData",
        Resource: "*",
        Condition: { StringEquals: { "cloudwatch:namespace": namespace } },
      },
    ],
  });
}

/** Nobody reaches the bucket without TLS. */
export function bucketPolicy(bucketArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn, `${bucketArn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
