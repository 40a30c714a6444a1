#!/usr/bin/env bash
# Trains the shipped reader, in seven stages and with a teacher: about fourteen hours on two CPU cores with AMX.
#
#   recipes/default-reader.sh
#
# Each stage is a recipe of this folder and goes on from the readers that earlier ones left in runs/. A stage that is
# finished is not trained again, one that was stopped goes on from its last checkpoint: run the script again.
set -euo pipefail
cd "$(dirname "$0")/.."

stage() {
    local output="runs/$1"
    if [ -f "$output/config.json" ] && [ ! -d "$output/checkpoint" ]; then
        echo "$output is finished"
    elif [ -d "$output/checkpoint" ] || [ -d "$output/checkpoint.old" ]; then
        odqa train-reader --recipe "recipes/$1.toml" --output "$output" --resume
    else
        odqa train-reader --recipe "recipes/$1.toml" --output "$output"
    fi
}

stage first-reader
stage second-reader
stage third-reader
stage teacher
stage fourth-reader
stage fifth-reader
stage sixth-reader
stage default-reader
