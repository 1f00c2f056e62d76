#!/bin/sh
# Makes the S3 bucket that keeps the state of shared stacks, or puts right what is missing of it; safe to run again.
#
#   toolchain/state/bucket.sh BUCKET REGION [KEY_ALIAS]
#
# The bucket keeps every version, encrypts at rest, is open to nobody outside the account and to no plain HTTP. With
# KEY_ALIAS (such as alias/bluegreen) there is a KMS key too, for `pulumi stack init --secrets-provider awskms://…`.
# Credentials are those of the AWS CLI. Nothing is ever removed.
set -eu

fail() {
  echo "bucket.sh: $*" >&2
  exit 1
}

[ $# -ge 2 ] || fail "got $# words; allowed: BUCKET REGION [KEY_ALIAS], for example: toolchain/state/bucket.sh my-team-state eu-central-1 alias/bluegreen"
bucket=$1 region=$2 alias=${3:-}
command -v aws >/dev/null || fail "the AWS CLI is missing: https://aws.amazon.com/cli, or \`pip install awscli\`"
aws() { command aws --region "$region" "$@" >&2; }

account=$(command aws --region "$region" sts get-caller-identity --query Account --output text) ||
  fail "AWS lets nobody in with the credentials that the AWS CLI finds; set AWS_PROFILE, or run \`aws sso login\`"
echo "account $account, bucket $bucket in $region" >&2

if ! aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" 2>/dev/null; then
  # The first region is the default, and refuses to be named.
  if [ "$region" = us-east-1 ]; then
    aws s3api create-bucket --bucket "$bucket"
  else
    aws s3api create-bucket --bucket "$bucket" --create-bucket-configuration "LocationConstraint=$region"
  fi
  echo "made $bucket" >&2
fi
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-ownership-controls --bucket "$bucket" \
  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3api put-bucket-encryption --bucket "$bucket" --server-side-encryption-configuration \
  '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'
aws s3api put-bucket-policy --bucket "$bucket" --policy "{
  \"Version\": \"2012-10-17\",
  \"Statement\": [{
    \"Sid\": \"OnlyTls\", \"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"s3:*\",
    \"Resource\": [\"arn:aws:s3:::$bucket\", \"arn:aws:s3:::$bucket/*\"],
    \"Condition\": { \"Bool\": { \"aws:SecureTransport\": \"false\" } }
  }]
}"
# Each `up` writes a version: those that nobody will go back to any more end after a year, but for the newest fifty.
aws s3api put-bucket-lifecycle-configuration --bucket "$bucket" --lifecycle-configuration '{
  "Rules": [{
    "ID": "old-versions", "Status": "Enabled", "Filter": {},
    "NoncurrentVersionExpiration": { "NoncurrentDays": 365, "NewerNoncurrentVersions": 50 },
    "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 }
  }]
}'

secrets=
if [ -n "$alias" ]; then
  case $alias in alias/*) ;; *) fail "got \"$alias\" for the key; allowed: alias/ and a name, such as alias/bluegreen" ;; esac
  # An error must not be taken for "not there": another key would be made.
  there=$(command aws --region "$region" kms list-aliases --query "Aliases[?AliasName=='$alias'].AliasName" --output text) ||
    fail "whether the key $alias is there could not be asked: kms:ListAliases has to be allowed; no key was made"
  if [ "$there" != "$alias" ]; then
    key=$(command aws --region "$region" kms create-key --description "Pulumi secrets" --query KeyMetadata.KeyId --output text)
    aws kms create-alias --alias-name "$alias" --target-key-id "$key"
    aws kms enable-key-rotation --key-id "$key"
    echo "made the key $alias" >&2
  fi
  secrets=" --secrets-provider 'awskms://$alias?region=$region'"
fi

cat <<END

Ready. Into each deployer's .env, which the shell has loaded before \`make env\` (.env.example says how):
  PULUMI_BACKEND_URL='s3://$bucket?region=$region'
A new stack:
  pulumi stack init STACK$secrets
END
