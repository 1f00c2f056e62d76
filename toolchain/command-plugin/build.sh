#!/bin/sh
# Builds pulumi-resource-command into the folder given. Safe to cut off and to run again: the result appears whole or not at all.
set -eu
out=${1:?usage: build.sh OUT_DIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"
# What a killed run left behind.
find "$out" -maxdepth 1 -name '.pulumi-resource-command.??????' -mmin +60 -delete
part=$(mktemp "$out/.pulumi-resource-command.XXXXXX")
trap 'rm -f "$part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
GOFLAGS='-mod=readonly -buildvcs=false' go build -ldflags '-s -w' -o "$part" \
  .
chmod 0755 "$part"
mv "$part" "$out/pulumi-resource-command"
