#!/bin/sh
# On the host, as root, at and after the first contact.
#   settle.sh show               prints the machine's own public host key
#   settle.sh finish <user>      takes away the key the machine was born with, puts the public keys in $AUTHORIZED in the
#                                place of those that may log in as <user>, grows the data volume's filesystem
# It comes on the standard input of a shell: of a text that was cut off on its way, nothing runs.
set -eu

SSH=/etc/ssh

show() { cut -d' ' -f1,2 "$SSH/ssh_host_ed25519_key.pub"; }

finish() {
  user=$1
  home=$(getent passwd "$user" | cut -d: -f6)
  case ${AUTHORIZED-} in
    *' '*) ;;
    *) echo "no public key was given: nobody could log in any more" >&2; exit 1 ;;
  esac
  printf '%s\n' "$AUTHORIZED" >"$home/.ssh/authorized_keys.new"
  chown "$user:" "$home/.ssh/authorized_keys.new"
  chmod 0600 "$home/.ssh/authorized_keys.new"
  mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
  if [ -e "$SSH/ssh_host_ecdsa_key" ]; then
    rm -f "$SSH/ssh_host_ecdsa_key" "$SSH/ssh_host_ecdsa_key.pub"
    # Running connections stay; new ones meet the machine's own key only.
    if [ -d /run/systemd/system ]; then
      systemctl try-reload-or-restart ssh.service
    else
      pkill -HUP -o -x sshd
    fi
  fi
  disk=$(findmnt -n -o SOURCE --target /var/lib/bluegreen --types ext4 || true)
  case $disk in
    /dev/*) resize2fs "$disk" >/dev/null 2>&1 ;;
  esac
}

case $1 in
  show) show ;;
  finish) finish "$2" ;;
  *) echo "settle.sh: $1?" >&2; exit 64 ;;
esac
