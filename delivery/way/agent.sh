#!/bin/sh
# Starts an ssh-agent behind a socket, and gives it the key on stdin, which is written to no file. The agent goes on in the
# background, its pid is what is printed; the socket is this user's alone.
#   printf '%s\n' "$KEY" | delivery/way/agent.sh SOCKET
set -eu
socket=${1:?usage: agent.sh SOCKET, with a private key on stdin}
eval "$(ssh-agent -s -a "$socket")" >/dev/null
if ! ssh-add -q - 2>/dev/null; then
  kill "$SSH_AGENT_PID"
  echo "agent.sh: what came on stdin is no private key without a passphrase" >&2
  exit 65
fi
echo "$SSH_AGENT_PID"
