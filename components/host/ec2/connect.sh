#!/bin/sh
# On the deployer's machine: keeps a way open from a local port to an EC2 host's SSH, through Session Manager, until Ctrl-C.
#   npm run connect -- <pulumi stack>
# Waits for the machine of a first `up`, and goes on with the one that takes its place. Needs the AWS CLI with its
# session-manager-plugin, and rights to ec2:DescribeInstances and ssm:StartSession.
set -eu

stack=${1:?usage: npm run connect -- <pulumi stack>}
config() { pulumi config get --stack "$stack" --path "$1"; }

for tool in pulumi aws session-manager-plugin; do
  command -v "$tool" >/dev/null || { echo "connect: $tool is not installed on this machine" >&2; exit 69; }
done
kind=$(config host.connect.kind)
if [ "$kind" != forwarded ]; then
  echo "connect: host.connect.kind of $stack is $kind; only \"forwarded\" needs this command" >&2
  exit 64
fi
region=$(pulumi config get --stack "$stack" aws:region)
port=$(config host.connect.port 2>/dev/null || echo 2222)
project=$(sed -n 's/^name: *//p' Pulumi.yaml)

waited=
while :; do
  instance=$(aws ec2 describe-instances --region "$region" --output text --query 'Reservations[].Instances[].InstanceId' \
    --filters "Name=tag:bluegreen.project,Values=$project" "Name=tag:bluegreen.stack,Values=${stack##*/}" \
    Name=instance-state-name,Values=running)
  if [ -n "$instance" ]; then
    waited=
    # Ends when the machine goes away, or after the account's idle time: then look again.
    aws ssm start-session --region "$region" --target "$instance" --document-name AWS-StartPortForwardingSession \
      --parameters "portNumber=22,localPortNumber=$port" || true
  elif [ -z "$waited" ]; then
    waited=yes
    echo "connect: no running machine of $project/$stack in $region yet; waiting" >&2
  fi
  sleep 3
done
