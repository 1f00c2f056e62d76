#!/bin/sh
# Tells CloudWatch how full the fullest disk is and how much memory is available: what AWS cannot see from outside.
#   metrics.sh <region> <namespace> <stack> <data mount>
# One signed request by curl (7.75 or later) instead of an agent or the AWS CLI, which would take 100 MB of a 1 GiB machine.
# The role's credentials go to curl by its standard input: they are in no process list and in no file.
set -eu
# Figures have a point, whatever the language of the machine.
export LC_ALL=C

region=$1 namespace=$2 stack=$3 data=$4
# For tests: where the metadata service and CloudWatch are.
imds=${BLUEGREEN_IMDS:-http://169.254.169.254}
endpoint=${BLUEGREEN_MONITORING:-https://monitoring.$region.amazonaws.com}

ask() { curl -sS --fail --max-time 10 --config - "$imds/latest/$1"; }
header() { printf 'header = "%s: %s"\n' "$1" "$2"; }
field() { printf '%s\n' "$credentials" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

disk=$(df --output=pcent / "$data" | tr -dc '0-9\n' | sort -n | tail -n 1)
memory=$(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { free = $2 } END { printf "%.1f", 100 * free / total }' /proc/meminfo)

token=$({ header X-aws-ec2-metadata-token-ttl-seconds 60; echo 'request = "PUT"'; } | ask api/token)
role=$(header X-aws-ec2-metadata-token "$token" | ask meta-data/iam/security-credentials/ | head -n 1)
credentials=$(header X-aws-ec2-metadata-token "$token" | ask "meta-data/iam/security-credentials/$role")

metric() {
  printf 'data = "MetricData.member.%s.MetricName=%s&MetricData.member.%s.Value=%s&MetricData.member.%s.Unit=Percent"\n' \
    "$1" "$2" "$1" "$3" "$1"
  printf 'data = "MetricData.member.%s.Dimensions.member.1.Name=Stack&MetricData.member.%s.Dimensions.member.1.Value=%s"\n' \
    "$1" "$1" "$stack"
}

{
  printf 'aws-sigv4 = "aws:amz:%s:monitoring"\n' "$region"
  printf 'user = "%s:%s"\n' "$(field AccessKeyId)" "$(field SecretAccessKey)"
  header x-amz-security-token "$(field Token)"
  printf 'data = "Action=PutMetricData&Version=2010-08-01&Namespace=%s"\n' "$namespace"
  metric 1 DiskUsedPercent "$disk"
  metric 2 MemoryAvailablePercent "$memory"
} | curl -sS --fail --max-time 20 --retry 2 --output /dev/null --config - "$endpoint/"
