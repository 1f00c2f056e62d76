#!/bin/sh
# Builds pulumi-resource-aws into the folder given. Safe to cut off and to run again: the result appears whole or not at all.
set -eu
upstream=github.com/hashicorp/terraform-provider-aws
out=${1:?usage: build.sh OUT_DIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"
# What a killed run left behind.
find "$out" -maxdepth 1 -name '.aws-plugin.??????' -mmin +120 -exec rm -rf {} +
work=$(mktemp -d "$out/.aws-plugin.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp main.go resources.go go.mod go.sum "$work"
# Checked against upstream/go.sum, so that no checksum database is asked.
module=$(cd upstream && GOFLAGS=-mod=readonly go mod download -json "$upstream" | awk -F '"' '$2 == "Dir" { print $4 }')
./trim.sh "$module" "$work/upstream"
cd "$work"
# The folder has another name each time; without its path in the objects the build cache still knows them.
GOFLAGS='-mod=readonly -buildvcs=false -trimpath' go build -ldflags '-s -w' -o pulumi-resource-aws .
chmod 0755 pulumi-resource-aws
mv pulumi-resource-aws "$out/pulumi-resource-aws"
