#!/bin/sh
# Makes the base of the stand-in images: a minimal Debian sid, with the certificates this machine trusts, so that
# apt and pip work in `docker build` behind a proxy of the company's own.
# Usage: build.sh IMAGE KEY   (root; wants debootstrap, tar and a running engine; KEY goes to the label bluegreen.source)
set -eu

image=$1
key=$2
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
bundle=/etc/ssl/certs/ca-certificates.crt
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' HUP INT TERM

debootstrap --variant=minbase --include=ca-certificates sid "$root" "$mirror"

if [ -s "$bundle" ]; then
  cp -L "$bundle" "$root/usr/local/share/ca-certificates/machine.crt"
  chroot "$root" update-ca-certificates
fi
# The clock of a builder may be past the validity of the index; the signatures are still checked.
cat >"$root/etc/apt/apt.conf.d/90builder" <<'END'
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
END
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
# What belongs to this machine or can be had again is not in the image. Devices come from the engine.
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
find "$root/dev" -mindepth 1 -delete
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"

tar -C "$root" --numeric-owner -c . |
  docker import --change "LABEL bluegreen.stand-in=debian:sid bluegreen.source=$key" --change 'CMD ["bash"]' - "$image"
