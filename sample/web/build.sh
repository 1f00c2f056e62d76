#!/bin/sh
# Builds a release of the sample's web server: build.sh RELEASE. Nothing but dist/ and node_modules/ is written here.
set -eu
release=${1:?a release id}
cd "$(dirname -- "$0")"
[ -d node_modules ] || npm ci --no-audit --no-fund
RELEASE=$release npm run --silent build
docker build --quiet --tag "bluegreen-sample-web:$release" .
