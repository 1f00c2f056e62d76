#!/bin/sh
# Builds a release of the sample's web server: build.sh RELEASE [IMAGE]. Only dist/ and node_modules/ are written here.
set -eu
release=${1:?a release id}
image=${2:-bluegreen-sample-web:$release}
cd "$(dirname -- "$0")"
[ -d node_modules ] || npm ci --no-audit --no-fund
RELEASE=$release npm run --silent build
docker build --quiet --tag "$image" .
