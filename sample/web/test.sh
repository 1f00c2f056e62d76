#!/bin/sh
# The page's tests, in a browser that is only pretended (jsdom). Arguments go to vitest.
set -eu
cd "$(dirname -- "$0")"
[ -d node_modules ] || npm ci --no-audit --no-fund
npm test --silent -- "$@"
