#!/bin/bash -eu
# Builds every fuzz target into $OUT, with its seeds and its dictionary: what ClusterFuzzLite and OSS-Fuzz
# run. `LOCKSTEP_FUZZ_FLAGS` is for trying it without their image, as in
# `OUT=out LOCKSTEP_FUZZ_FLAGS="--sanitizer none" bash .clusterfuzzlite/build.sh`.
cd "$(dirname "$0")/../fuzz" 2>/dev/null || cd "$SRC/lockstep/fuzz"
read -ra flags <<< "${LOCKSTEP_FUZZ_FLAGS:-}"
cargo +nightly fuzz build -O "${flags[@]}"
mkdir -p "$OUT"
for source in fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "target/$(rustc +nightly -vV | sed -n 's/host: //p')/release/$target" "$OUT/"
    if [ -d "seeds/$target" ]; then
        (cd "seeds/$target" && python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" ./*)
    fi
    if [ -f "dictionaries/$target.dict" ]; then
        cp "dictionaries/$target.dict" "$OUT/"
    fi
done
