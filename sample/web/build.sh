#!/bin/sh
# Builds a release of the sample's web server: build.sh RELEASE [IMAGE].
set -eu
release=${1:?a release id}
image=${2:-bluegreen-sample-web:$release}
here=$(cd "$(dirname -- "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$here/pages.sh" "$release" "$folder"
docker build --quiet --tag "$image" "$folder"
