#!/bin/sh
# The copy itself, from within its namespaces: this machine's files below a layer in memory, devices that are none of
# the hardware's, a network that ends at itself; and systemd as its first process, with $shared/units beside its own.
#
# Python, its libraries and guard's source may lie where a service sees nothing (/root, /home): they are shown below /opt.
set -eu
: "${shared:?}" "${python:?}" "${libraries:?}" "${source:?}"
root=$shared/root
mount --make-rprivate /
mkdir "$root" "$shared/layer"
mount -t tmpfs tmpfs "$shared/layer"
mkdir "$shared/layer/upper" "$shared/layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$shared/layer/upper,workdir=$shared/layer/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for folder in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/mqueue" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/unified" "$root/sys/fs/cgroup/systemd"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
mkdir -p "$root/run/systemd/system" "$root/run/shared" "$root/opt/guard/bin"
cp "$shared"/units/* "$root/run/systemd/system/"
mount --bind "$shared" "$root/run/shared"
for what in python libraries source; do
    mkdir -p "$root/opt/trial/$what"
    mount --bind "$(eval echo "\$$what")" "$root/opt/trial/$what"
done
cp "$shared/guard" "$root/opt/guard/bin/guard"
ip link set lo up
cd "$root"
pivot_root . .
umount -l .
mount --make-rshared /
container=guard-trial exec /lib/systemd/systemd --system --unit=trial.target --log-target=journal
