#!/bin/sh
# Builds pulumi-language-nodejs into the folder given. Safe to cut off and to run again: the result appears whole or
# not at all.
set -eu
out=${1:?usage: build.sh OUT_DIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"
# What a killed run left behind.
find "$out" -maxdepth 1 -name '.pulumi-language-nodejs.??????' -mmin +60 -delete
work=$(mktemp -d)
part=$(mktemp "$out/.pulumi-language-nodejs.XXXXXX")
trap 'rm -rf "$work" "$part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export GOFLAGS='-mod=readonly -buildvcs=false'

# Two lines are changed in a copy of the package:
# - This host puts a proxy of its own between program and engine that knows only the calls of its day (no resource
#   hooks: "unknown method RegisterResourceHook"). Programs of today get the engine's address instead.
# - Pulumi.yaml's options reached it as flags, which the engine of today does not pass: "typescript: false" has to be its
#   default, or ts-node type-checks the whole program at each run.
package=github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs
source=$(go list -f '{{.Dir}}' "$package")
cp go.mod go.sum "$source"/main.go "$source"/proxy*.go "$work"/
chmod -R u+w "$work"
sed -e 's/fmt\.Sprintf("127\.0\.0\.1:%d", handle\.Port), pipes\.directory())$/req.GetMonitorAddress(), pipes.directory())/' \
  -e 's/flag\.BoolVar(&typescript, "typescript", true,$/flag.BoolVar(\&typescript, "typescript", false,/' \
  "$source/main.go" >"$work/main.go"
if [ "$(diff "$source/main.go" "$work/main.go" | grep -c '^>')" -ne 2 ]; then
  echo "toolchain/language-nodejs: the two lines to change are not in $source/main.go" >&2
  exit 1
fi
cd "$work"
go build -ldflags '-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.68.0' -o "$part" .
chmod 0755 "$part"
mv "$part" "$out/pulumi-language-nodejs"
