#!/bin/sh
# The page's tests, in a browser that is only pretended (jsdom). Arguments go to vitest.
set -eu
cd "$(dirname -- "$0")"
./packages.sh
npm test --silent -- "$@"
