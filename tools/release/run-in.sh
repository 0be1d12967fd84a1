#!/usr/bin/env bash
# A command in a root of root.sh, as a container engine would run it: run-in.sh ROOT COMMAND...
#
# With its own mounts and processes, without a network, and with no rights outside: nothing of this machine but the kernel.
set -euo pipefail
root=$(realpath "${1:?the root}")
shift
exec unshare --map-root-user --mount --pid --net --fork bash -euc '
    root=$1
    shift
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev"
    touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
    exec chroot "$root" "$@"' sh "$root" "$@"
