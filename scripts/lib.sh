# shellcheck shell=sh
# Shared by the scripts beside it: how to become root without asking, and how to install a package of the system.

say() { printf '%s: %s\n' "${0#./}" "$*" >&2; }

die() {
    say "$@"
    exit 1
}

# Whether this user can install packages: apt-get is here, and root is, or sudo that asks no password.
can_apt() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs packages without a question and without starting what they bring: mosquitto and Kamailio would take the
# ports of a machine on which somebody only wants to run tests. In a subshell, so that its trap is its own.
apt_install() (
    policy=/usr/sbin/policy-rc.d
    quietly="env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    trap 'exit 130' INT TERM
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$log"; as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    say "apt-get install $*"
    # shellcheck disable=SC2086 # the words of $quietly are words
    if as_root $quietly update >"$log" 2>&1 && as_root $quietly install --no-install-recommends -y "$@" >>"$log" 2>&1; then
        return 0
    fi
    cat "$log" >&2
    return 1
)
