#!/usr/bin/env bash
# An archive of build.sh, unpacked into a root that holds nothing else but the C library: root.sh ARCHIVE DIR
#
# It is what the container image is made of. `/proc`, `/dev` and `/tmp` are the runtime's; `/tmp` is there for one that has none.
set -euo pipefail
archive=${1:?the archive} root=${2:?an empty folder}
share=$root/usr/local/share/lockstep
mkdir -p "$root"/{proc,dev,etc,tmp,work} "$share"
chmod 1777 "$root/tmp"
tar -xzf "$archive" --strip-components=1 -C "$share"
install -D -m 755 "$share/lockstep" "$root/usr/local/bin/lockstep"
rm "$share/lockstep"
echo 'lockstep:x:65532:65532::/work:/' >"$root/etc/passwd"
echo 'lockstep:x:65532:' >"$root/etc/group"
# The loader, libc and libm: anything else would have to be on every machine.
ldd "$root/usr/local/bin/lockstep" | grep -o '/[^ ]*' | while read -r library; do
    case $(basename "$library") in
        ld-linux*|libc.so.6|libm.so.6) install -D -m 755 "$library" "$root$library" ;;
        *) echo "$library: the program needs more than the C library" >&2; exit 1 ;;
    esac
done
