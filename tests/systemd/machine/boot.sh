#!/bin/sh
# A systemd of its own, on a throw-away copy of this machine: in namespaces of its own, so that nothing outside of them
# is seen or touched. Needs root. $shared is the folder that both sides see; $within the seconds until it is ended.
#
# In the cgroups a place of its own is made below the one where this runs, and taken away again: to the systemd inside
# it is the root.
set -eu
: "${shared:?}" "${within:?}"
name=guard-trial-$$
made=

# Where this process is in the hierarchy that is mounted at a folder.
place() {
    case ${1##*/} in
        cgroup | unified) sed -n 's/^0:://p' /proc/self/cgroup ;;
        systemd) sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup ;;
        *) sed -n "s/^[0-9]*:\(.*,\)\{0,1\}${1##*/}\(,[^:]*\)\{0,1\}://p" /proc/self/cgroup ;;
    esac
}

enter() {
    own=$1$(place "$1")
    mkdir "$own/$name" 2>/dev/null || return 0
    # A set of processors begins empty, and nobody may enter it before it has some.
    for file in cpuset.cpus cpuset.mems; do
        if [ -e "$own/$name/$file" ] && [ "${1##*/}" = cpuset ]; then cat "$own/$file" >"$own/$name/$file"; fi
    done
    if echo $$ 2>/dev/null >"$own/$name/cgroup.procs"; then made="$own $made"; else rmdir "$own/$name"; fi
}

leave() {
    for own in $made; do
        echo $$ >"$own/cgroup.procs"
        # Those that were killed take a moment to be gone.
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            find "$own/$name" -depth -type d -exec rmdir {} + 2>/dev/null && break
            sleep 0.1
        done
    done
}
trap leave EXIT

# shellcheck disable=SC2013 # places without spaces
for folder in $(awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts); do enter "$folder"; done
timeout --kill-after=1 "$within" \
    unshare --mount --pid --fork --kill-child --cgroup --uts --ipc --net "$(dirname "$0")/inside.sh" || true
