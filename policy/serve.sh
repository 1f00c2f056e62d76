#!/bin/sh
# The policy pack as a program: pulumi preview --policy-pack policy/serve.sh
# The engine starts it with its own address. By way of a program and not of the folder, because Node strips the types itself, and
# because it then needs nothing of the language host.
set -eu
cd "$(dirname "$0")/.."
exec node policy/serve.ts "$@"
