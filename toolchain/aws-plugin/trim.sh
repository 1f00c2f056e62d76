#!/bin/sh
# Copies the upstream provider's module from FROM to TO with only the services below in its registries: a sixth of the
# time and memory to build. No resource's code is changed.
set -eu
from=${1:?usage: trim.sh FROM TO}
to=${2:?usage: trim.sh FROM TO}
here=$(cd "$(dirname "$0")" && pwd)

# s3control: the s3 resources ask for its client when they run. organizations: ec2's data sources import it.
services='budgets cloudwatch dlm ec2 iam meta organizations s3 s3control sns ssm sts'
# organizations calls account's API, which needs no service package here.
clients="account $services"

registry=internal/provider/sdkv2/service_packages_gen.go
connections=internal/conns/awsclient_gen.go

mkdir -p "$to"
folders=internal/service/smarterr.hcl
for service in $services; do folders="$folders internal/service/$service"; done
# $folders: words on purpose. What only tests, generators and the website need stays behind.
# shellcheck disable=SC2086
(cd "$from" &&
  tar -cf - --exclude='*_test.go' --exclude=testdata --exclude=internal/service --exclude=internal/generate \
    --exclude=internal/acctest go.mod go.sum internal names version) | tar -C "$to" -xf -
# shellcheck disable=SC2086
(cd "$from" && tar -cf - --exclude='*_test.go' --exclude=testdata $folders) | tar -C "$to" -xf -
# The module cache is read-only, and so are copies from it.
chmod -R u+w "$to"

for file in "$registry" "$connections"; do
  awk -v services="$services" -v clients="$clients" -f "$here/trim.awk" "$from/$file" >"$to/$file"
done

# A generator that writes differently one day must not pass for a trim that worked.
left=$(grep -c '^		[a-z0-9]*\.ServicePackage(ctx),$' "$to/$registry")
wanted=$(echo "$services" | wc -w)
if [ "$left" -ne "$wanted" ]; then
  echo "trim.sh: $registry has $left services after the trim, not the $wanted of the list: has its shape changed?" >&2
  exit 1
fi
left=$(grep -c '^func (c \*AWSClient) ' "$to/$connections")
wanted=$(echo "$clients" | wc -w)
if [ "$left" -ne "$((wanted - 1))" ]; then
  echo "trim.sh: $connections has $left clients after the trim, not $((wanted - 1)): has its shape changed?" >&2
  exit 1
fi
