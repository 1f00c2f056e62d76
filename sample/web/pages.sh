#!/bin/sh
# Fills a folder with what the image of one release is built from: pages.sh RELEASE FOLDER. Several may run at once.
set -eu
# Whoever builds, user 101 reads.
umask 022
release=${1:?a release id}
folder=$(cd "${2:?a folder}" && pwd)
cd "$(dirname -- "$0")"
./packages.sh
RELEASE=$release npm run --silent build -- --outDir "$folder/dist" --emptyOutDir --logLevel warn
cp Dockerfile nginx.conf start.sh "$folder"
