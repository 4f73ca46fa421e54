#!/bin/sh
# Makes the bare Debian of mmdebstrap a lab host; $1 is its root. Part of the image's digest.
set -eu
root=$1

chroot "$root" useradd --create-home --shell /bin/bash ops
install -d -m 0700 -o "$(chroot "$root" id -u ops)" -g "$(chroot "$root" id -g ops)" \
    "$root/home/ops/.ssh"
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\n' >"$root/etc/sudoers.d/ops"
chmod 0440 "$root/etc/sudoers.d/ops"

printf '%s\n' 'PermitRootLogin no' 'PasswordAuthentication no' \
    'KbdInteractiveAuthentication no' >"$root/etc/ssh/sshd_config.d/10-lab.conf"
rm -f "$root"/etc/ssh/ssh_host_*

# Redis is installed and off: the role turns it on. No timers that would want the network.
chroot "$root" systemctl disable redis-server.service
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf /lib/systemd/system/systemd-networkd.service \
    "$root/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"

# a host of the lab reaches no mirror and keeps none of this machine's names
rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* \
    "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/resolv.conf
