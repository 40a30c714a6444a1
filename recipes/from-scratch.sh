#!/usr/bin/env bash
# From texts to a reader, and to its scores: a tokenizer and a language model from nothing, then a span head on them.
#
#   recipes/from-scratch.sh
#
# What is finished is not made again, and what was stopped goes on from its last checkpoint: run the script again.
set -euo pipefail
cd "$(dirname "$0")/.."

language=runs/from-scratch-language
reader=runs/from-scratch-reader

# make FOLDER COMMAND...: runs the command, which writes the folder, unless it has been run to its end.
make() {
    local output="$1"
    shift
    if [ -f "$output/config.json" ] && [ ! -f "$output/checkpoint/files.json" ]; then
        echo "$output is finished"
    elif [ -f "$output/checkpoint/files.json" ] || [ -f "$output/checkpoint.old/files.json" ]; then
        "$@" --output "$output" --resume
    else
        "$@" --output "$output"
    fi
}

make "$language" odqa pretrain --recipe recipes/from-scratch.toml
odqa fill-mask "$language" "Paris is the capital <mask> France." "The river flows into the <mask>."
make "$reader" odqa train-reader --recipe recipes/from-scratch-reader.toml --base "./$language"
odqa eval --reader "./$reader" --dataset ../shared/data/squad_v2/dev-v2.0.json
