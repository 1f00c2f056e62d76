#!/bin/sh
# The first boot of an EC2 host, as root: its key, its user, its data volume, Docker. After a failure it may be run again:
#   sudo /var/lib/cloud/instance/scripts/part-001
#
#   first-boot.sh <volume id> <user> <stack directory> <docker data root> <region> <metrics namespace> <stack>
# Ends with $STATE-ready, or with $STATE-failed that says at which step.
set -eu

volume=$1 user=$2 directory=$3 data_root=$4 region=$5 namespace=$6 stack=$7
parts=$(cd "$(dirname "$0")" && pwd)
mount_point=${data_root%/*}
STATE=/var/lib/cloud/bluegreen
LOG=/var/log/bluegreen-first-boot.log
SSH=/etc/ssh

step=start
say() { printf '%s %s\n' "$(date -u +%H:%M:%SZ)" "$*"; }
begin() { step=$1; say "$1"; }
ended() {
  code=$?
  [ "$code" -eq 0 ] || printf 'at "%s", exit %s\n' "$step" "$code" >"$STATE-failed"
}

# Polls each 2 s. wait_for <seconds> <what> <command…>
wait_for() {
  left=$1 what=$2
  shift 2
  until "$@"; do
    left=$((left - 2))
    [ "$left" -gt 0 ] || { say "no $what in time"; return 1; }
    sleep 2
  done
}

has_systemd() { [ -d /run/systemd/system ]; }

reload_sshd() {
  if has_systemd; then
    systemctl try-reload-or-restart ssh.service
  else
    pkill -HUP -o -x sshd || true
  fi
}

# The machine's own key first, for good; then the one that the deployer knows, until the first contact. Once for a machine:
# a deployer who knows its key already is to see why the boot failed, and that it is repeated.
host_keys() {
  if [ ! -e "$STATE-keys" ]; then
    rm -f "$SSH"/ssh_host_*_key "$SSH"/ssh_host_*_key.pub
    ssh-keygen -q -t ed25519 -N '' -C "$stack" -f "$SSH/ssh_host_ed25519_key" </dev/null
    if [ -s "$parts/boot_key" ]; then
      install -m 0600 "$parts/boot_key" "$SSH/ssh_host_ecdsa_key"
      ssh-keygen -y -f "$SSH/ssh_host_ecdsa_key" >"$SSH/ssh_host_ecdsa_key.pub"
    fi
  fi
  touch "$STATE-keys"
  rm -f "$parts/boot_key"
  reload_sshd
}

login() {
  id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
  printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$user" >/etc/sudoers.d/bluegreen
  chmod 0440 /etc/sudoers.d/bluegreen
  home=$(getent passwd "$user" | cut -d: -f6)
  install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
  install -m 0600 -o "$user" -g "$user" "$parts/authorized_keys" "$home/.ssh/authorized_keys"
}

# By the volume's id on Nitro machines. Xen ones (t2) do not know it: there it is the only disk under its name.
find_disk() {
  for disk in "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol${volume#vol-}" /dev/xvdf; do
    [ -b "$disk" ] && return 0
  done
  return 1
}

# Formats a disk that is empty beyond doubt: no signature that blkid knows, and nothing but zeros at its start.
format_if_empty() {
  found=$(blkid -p -o value -s TYPE "$disk") && code=0 || code=$?
  case $code:$found in
    0:ext4) return 0 ;;
    2:)
      if cmp -s -n 16777216 "$disk" /dev/zero; then
        mkfs.ext4 -q -L bluegreen "$disk"
        return 0
      fi
      say "$disk ($volume) has no filesystem but is not empty: not formatted"
      return 1
      ;;
    *)
      say "$disk ($volume) holds '$found' (blkid: $code), not ext4: not formatted"
      return 1
      ;;
  esac
}

mount_disk() {
  mkdir -p "$mount_point"
  uuid=$(blkid -p -o value -s UUID "$disk")
  # nofail: without the volume the machine still starts and can be asked; Docker does not start then.
  line="UUID=$uuid $mount_point ext4 defaults,noatime,nofail,x-systemd.device-timeout=300 0 2"
  { grep -v " $mount_point " /etc/fstab || true; printf '%s\n' "$line"; } >/etc/fstab.new
  mv /etc/fstab.new /etc/fstab
  if has_systemd; then systemctl daemon-reload; fi
  mountpoint -q "$mount_point" || mount "$disk" "$mount_point"
  # The volume may have grown since it was formatted.
  resize2fs "$disk"
}

# Docker without its volume would start with no containers and make new, empty ones.
docker_waits() {
  mkdir -p /etc/systemd/system/docker.service.d
  printf '[Unit]\nRequiresMountsFor=%s\n[Service]\nExecStartPre=/usr/bin/mountpoint -q %s\n' "$mount_point" "$mount_point" \
    >/etc/systemd/system/docker.service.d/data-volume.conf
  if has_systemd; then systemctl daemon-reload; fi
}

# The address comes a moment after the start, and with it the way to the packages.
packages_reachable() {
  apt-get -qq update -o APT::Update::Error-Mode=any -o Acquire::Retries=0 -o Acquire::http::Timeout=10
}

metrics() {
  command -v curl >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends curl
  install -m 0755 "$parts/metrics.sh" /usr/local/sbin/bluegreen-metrics
  printf '[Unit]\nDescription=Disk and memory for CloudWatch\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/bluegreen-metrics %s %s %s %s\n' \
    "$region" "$namespace" "$stack" "$mount_point" >/etc/systemd/system/bluegreen-metrics.service
  printf '[Unit]\nDescription=Disk and memory for CloudWatch\n[Timer]\nOnBootSec=60\nOnUnitActiveSec=300\n[Install]\nWantedBy=timers.target\n' \
    >/etc/systemd/system/bluegreen-metrics.timer
  if has_systemd; then
    systemctl daemon-reload
    systemctl enable --now bluegreen-metrics.timer
  fi
}

main() {
  mkdir -p "${STATE%/*}"
  rm -f "$STATE-failed"
  trap ended EXIT
  begin "host keys" && host_keys
  begin "user" && login
  begin "data volume" && wait_for 600 "data volume $volume" find_disk
  begin "filesystem" && format_if_empty
  begin "mount" && mount_disk
  begin "docker waits for it" && docker_waits
  begin "package mirrors" && wait_for 300 "way to the package mirrors" packages_reachable
  begin "preparation" && sh "$parts/prepare.sh" --user "$user" --directory "$directory" --data-root "$data_root"
  begin "metrics" && metrics
  say ready
  touch "$STATE-ready"
}

main >>"$LOG" 2>&1
