#!/usr/bin/env bash
# Native TensorFlow for tfjs-node-gpu where the host of its install script cannot be reached: its addon is compiled from the
# package's own sources against the C API of a TensorFlow wheel. On the CPU; the engine `tensorflow-native` then runs for real.
#
#   eval "$(scripts/native-tensorflow.sh env)"   makes it where it is missing; prints the export line, all else to stderr
#   scripts/native-tensorflow.sh install         makes it, in a folder of the user's cache
#
# Linux x86-64 with g++, npm, and a Python 3 with pip (another name of it: PYTHON), which downloads and unpacks and runs nothing.
# Versions and sums of all packages are pinned (scripts/native-tensorflow). 1.1 GB of disk while it works, 890 MB afterwards.
set -euo pipefail
cd "$(dirname "$0")/native-tensorflow"

# The number is raised with whatever changes what is made, so that nobody keeps what was made before.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/simili/native-tensorflow-1
python=${PYTHON:-python3}

# The wheel's libraries and C headers, into a folder.
unpack_tensorflow() {
  "$python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: --require-hashes \
    --python-version 3.11 --implementation cp --platform manylinux2014_x86_64 --dest "$1" -r requirements.txt
  "$python" - "$1" <<'PYTHON'
import glob, sys, zipfile
folder = sys.argv[1]
(wheel,) = glob.glob(f"{folder}/*.whl")
wanted = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2", "tensorflow/include/")
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(folder, [name for name in archive.namelist() if name.startswith(wanted) and not name.endswith("/")])
PYTHON
  rm "$1"/*.whl
}

# compile PACKAGE TENSORFLOW HEADERS: as the package's binding.gyp says, but for the library's name.
compile() {
  mkdir -p "$1/lib/napi-v8" "$1/deps/lib"
  mv "$2"/libtensorflow_{cc,framework}.so.2 "$1/deps/lib/"
  g++ -std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 -I"$3" -I"$1" -I"$2/include" "$1"/binding/tfjs_{backend,binding}.cc \
    -L"$1/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,'$ORIGIN/../../deps/lib' \
    -o "$1/lib/napi-v8/tfjs_binding.node"
}

install() {
  [ -d "$cache" ] && return
  mkdir -p "$(dirname "$cache")"
  scratch=$(mktemp -d -p "$(dirname "$cache")" .making-XXXXXX)
  trap 'rm -rf "$scratch"' EXIT
  mkdir "$scratch/made"
  cp package.json package-lock.json "$scratch/made"
  (cd "$scratch/made" && npm ci --silent --ignore-scripts --no-audit --no-fund)
  unpack_tensorflow "$scratch/wheel"
  compile "$scratch/made/node_modules/@tensorflow/tfjs-node-gpu" "$scratch/wheel/tensorflow" \
    "$scratch/made/node_modules/node-api-headers/include"
  mv "$scratch/made" "$cache" # one rename, so that what is there is whole
}

case ${1:-} in
  install) install >&2 ;;
  env) install >&2; printf 'export NODE_PATH=%q\n' "$cache/node_modules" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
