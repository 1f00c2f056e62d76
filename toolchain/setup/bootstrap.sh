#!/bin/sh
# What has to be there before TypeScript can run: npm, the packages of package-lock.json, and a Node that runs TypeScript.
# Then hands over to main.ts with the arguments. Everything said goes to stderr.
set -eu

cd "$(dirname "$0")/../.."
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bluegreen/node-compile}
export NODE_COMPILE_CACHE
marker=node_modules/.bluegreen-installed
wanted=22.18.0

new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
    const [c, d] = process.argv[1].split(".").map(Number);
    process.exit(a > c || (a === c && b >= d) ? 0 : 1)' "$wanted" 2>/dev/null
}

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  echo "npm is missing: install Node.js with npm (https://nodejs.org, or \`apt-get install nodejs npm\`), any version from 18 on" >&2
  exit 1
fi

if [ ! -e "$marker" ] || [ -n "$(find package-lock.json -newer "$marker")" ]; then
  echo "  packages         …          npm ci" >&2
  # No package's script runs: the SDKs would fetch plugins, which is not npm's business here.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  touch "$marker"
fi

if ! new_enough node && ! new_enough node_modules/.bin/node; then
  echo "  node             …          this machine's is older than $wanted: getting one from npm for this project" >&2
  npm rebuild node --ignore-scripts=false --loglevel=error >&2
  if ! new_enough node_modules/.bin/node; then
    echo "Node ≥ $wanted is needed, this machine has $(node --version), and npm brought none: install it (https://nodejs.org)" >&2
    exit 1
  fi
fi

PATH=$PWD/node_modules/.bin:$PATH
NODE_USE_ENV_PROXY=${NODE_USE_ENV_PROXY:-1}
export PATH NODE_USE_ENV_PROXY
[ "$1" = clean ] || exec node toolchain/setup/main.ts "$@"
node toolchain/setup/main.ts clean
# Last, as the program above runs from it.
rm -rf node_modules sample/web/node_modules
