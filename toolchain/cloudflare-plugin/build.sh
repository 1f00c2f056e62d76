#!/bin/sh
# Builds pulumi-resource-cloudflare into the folder given. Safe to cut off and to run again: the result appears whole or not at all.
set -eu
upstream=github.com/cloudflare/terraform-provider-cloudflare
out=${1:?usage: build.sh OUT_DIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"
# What a killed run left behind.
find "$out" -maxdepth 1 -name '.cloudflare-plugin.??????' -mmin +120 -exec rm -rf {} +
work=$(mktemp -d "$out/.cloudflare-plugin.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp main.go go.mod go.sum "$work"
# Checked against upstream/go.sum, so that no checksum database is asked.
module=$(cd upstream && GOFLAGS=-mod=readonly go mod download -json "$upstream" | awk -F '"' '$2 == "Dir" { print $4 }')
./trim.sh "$module" "$work/upstream"
cd "$work"
# The folder has another name each time; without its path in the objects the build cache still knows them.
GOFLAGS='-mod=readonly -buildvcs=false -trimpath' go build -ldflags '-s -w' -o pulumi-resource-cloudflare .
chmod 0755 pulumi-resource-cloudflare
mv pulumi-resource-cloudflare "$out/pulumi-resource-cloudflare"
