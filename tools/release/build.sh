#!/usr/bin/env bash
# A release of HEAD as others install it: build.sh [OUT], a folder that is not there, or that an earlier run has made.
#
# Writes lockstep-VERSION-TARGET.tar.gz with the program, its completions and manual pages, the documents, a bill of
# materials (CycloneDX), and SHA256SUMS beside it. Of the same commit and the same compiler it is the same, byte for byte,
# wherever it is built: paths are replaced, times are that of the commit.
#
# The program needs nothing but the C library of its machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:-target/release-archive}")
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# What is committed, and nothing else, whatever happens here meanwhile.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
git archive HEAD | tar -x -C "$source"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
host=$(rustc -vV | sed -n 's/^host: //p')
name=lockstep-$version-$host
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
if [ -e "$out" ] && [ ! -e "$out/SHA256SUMS" ]; then
    echo "$out: expected no such folder, or one of an earlier release" >&2
    exit 1
fi
cd "$source"
export SOURCE_DATE_EPOCH CARGO_INCREMENTAL=0 TZ=UTC LC_ALL=C

# The bill of materials is made by this version; it is built without the flags below.
cargo cyclonedx --version 2>/dev/null | grep -q ' 0\.5\.9$' || cargo install cargo-cyclonedx --version 0.5.9 --locked --quiet

cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
# Of several that fit, the last counts.
export RUSTFLAGS="--remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust --remap-path-prefix=$source=/lockstep \
--remap-path-prefix=$CARGO_TARGET_DIR=/target -C link-arg=-static-libgcc -C link-arg=-Wl,--build-id=none"
export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$source=/lockstep -ffile-prefix-map=$CARGO_TARGET_DIR=/target"
cargo build --profile dist --locked -p lockstep-cli --bin lockstep
built=$CARGO_TARGET_DIR/dist/lockstep

rm -rf "$out"
mkdir -p "$out/$name/completions" "$out/$name/man/man1"
install -m 755 "$built" "$out/$name/lockstep"
for shell in bash zsh fish; do
    "$built" completions "$shell" >"$out/$name/completions/lockstep.$shell"
done
"$built" manual "$out/$name/man/man1"
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$out/$name/"
# It writes one beside each manifest; the program's has all that is in it.
cargo cyclonedx --quiet --manifest-path harness/cli/Cargo.toml --format json --spec-version 1.5 --target "$host" --override-filename lockstep.cdx
sed "s|$source|/lockstep|g" harness/cli/lockstep.cdx.json >"$out/$name/lockstep.cdx.json"
tar -C "$out" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s -cf - "$name" |
    gzip -n9 >"$out/$name.tar.gz"
rm -rf "${out:?}/$name"
(cd "$out" && sha256sum "$name.tar.gz" >SHA256SUMS)
echo "$out/$name.tar.gz"
