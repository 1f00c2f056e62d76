import { AwsFront } from "./aws-front.ts";
import { CloudflareApi } from "./cloudflare-api.ts";
import type { CloudConfig } from "./project.ts";

export const REGION = "eu-central-1";
const SERVICES = ["budgets", "cloudwatch", "dlm", "ec2", "iam", "s3", "s3control", "sns", "ssm", "sts"];

/** An empty AWS account and a Cloudflare account, for as long as a suite takes. */
export interface Clouds {
  readonly aws: AwsFront;
  readonly cloudflare: CloudflareApi;
  /** The providers' own settings that lead there, as anybody would set them in a stack file. */
  readonly config: CloudConfig;
  close(): Promise<void>;
}

export async function startClouds(): Promise<Clouds> {
  const [aws, cloudflare] = await Promise.all([AwsFront.start(), CloudflareApi.start()]);
  return {
    aws,
    cloudflare,
    config: { ...awsConfig(aws), ...cloudflareConfig(cloudflare) },
    close: async () => {
      await Promise.all([aws.close(), cloudflare.close()]);
    },
  };
}

function awsConfig({ url }: AwsFront): CloudConfig {
  return {
    "aws:region": REGION,
    "aws:endpoints": [Object.fromEntries(SERVICES.map((service) => [service, url]))],
    // The front is asked for names that only it knows.
    "aws:httpProxy": url,
    "aws:httpsProxy": url,
    "aws:skipMetadataApiCheck": "true",
    "aws:s3UsePathStyle": "true",
    // What the front cannot do is an error at once, not after 25 tries.
    "aws:maxRetries": "2",
  };
}

const cloudflareConfig = ({ url, token }: CloudflareApi): CloudConfig => ({
  "cloudflare:baseUrl": url,
  "cloudflare:apiToken": token,
});
