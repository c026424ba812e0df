#!/usr/bin/env bash
# A Vulkan driver that computes on the CPU, so that the WebGPU engines run for real where there is no GPU.
#
#   eval "$(scripts/software-vulkan.sh env)"   installs it where it is missing; prints the export lines, all else to stderr
#   scripts/software-vulkan.sh install         installs it: apt packages, unpacked into a folder of the user's cache
#
# Debian and root. lavapipe of Mesa 25 or newer (older ones are refused by WebGPU): from this release where it is new
# enough, else from its backports; where neither can be had, SwiftShader from Chromium's packages, which is ten times slower.
# Nothing on the system is changed, so programs outside of these variables go on as before.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/simili/software-vulkan
minimum_mesa=25

say() { printf 'software-vulkan: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# What is already there does not change any more: the last step of an installation writes this file.
env_file=$cache/env

# Runs a command quietly; shows what it said only when it fails.
quietly() {
  "$@" >"$cache/last.log" 2>&1 || { cat "$cache/last.log" >&2; return 1; }
}

# apt with lists and archives of its own: the system's are not touched. The mirror is the one that this system uses.
apt_options=()
own_apt() {
  local suite=$1 mirror keys
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(SUITE) $(COMPONENT)' | awk '$2 == "Debian" && $4 == "main" { print $1; exit }')
  [ -n "$mirror" ] || die 'this system knows no Debian mirror: apt-get update first'
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/apt/sources"
  for one in "$codename" "$codename-updates" $suite; do
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$mirror" "$one" "$keys"
  done >"$cache/apt/sources/debian.sources"
  apt_options=(
    -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$cache/apt/sources"
    -o "Dir::State::Lists=$cache/apt/lists" -o "Dir::Cache::archives=$cache/apt/archives"
    -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=root
  )
  quietly apt-get "${apt_options[@]}" update
}

# unpack TARGET PACKAGE...: the packages and what they need and this system lacks, into the cache folder.
unpack() {
  local target=$1 archive
  shift
  quietly apt-get "${apt_options[@]}" install --yes --no-install-recommends --download-only --reinstall -t "$target" "$@" || return 1
  for archive in "$cache"/apt/archives/*.deb; do dpkg-deb --extract "$archive" "$cache/root"; done
  rm -rf "$cache/apt/archives"
}

candidate() { apt-cache "${apt_options[@]}" policy mesa-vulkan-drivers -t "$1" 2>/dev/null | sed -n 's/ *Candidate: //p'; }

# write_env DRIVER.json LIBRARY_FOLDER: the driver's file names its library without a folder.
write_env() {
  local driver=$1 libraries=$2 library
  library=$(sed -n 's/.*"library_path": *"\([^"]*\)".*/\1/p' "$driver")
  sed "s|\"$library\"|\"$libraries/$(basename "$library")\"|" "$driver" >"$cache/driver.json"
  {
    printf 'export VK_DRIVER_FILES=%q\n' "$cache/driver.json"
    printf 'export VK_ICD_FILENAMES=%q\n' "$cache/driver.json"
    printf 'export LD_LIBRARY_PATH=%q\n' "$libraries"
  } >"$env_file"
}

install_lavapipe() {
  local target libraries
  own_apt "$codename-backports" || return 1
  for target in "$codename" "$codename-backports"; do
    dpkg --compare-versions "$(candidate "$target")" ge "$minimum_mesa" || continue
    say "lavapipe of Mesa $(candidate "$target")"
    unpack "$target" mesa-vulkan-drivers libvulkan1 || return 1
    libraries=$(dirname "$(find "$cache/root/usr/lib" -name 'libvulkan_lvp.so' -print -quit)")
    write_env "$(find "$cache/root/usr/share/vulkan" -name 'lvp_icd*.json' -print -quit)" "$libraries"
    return 0
  done
  return 1
}

install_swiftshader() {
  say 'SwiftShader of chromium-common'
  own_apt '' || return 1
  unpack "$codename" chromium-common || return 1
  write_env "$cache/root/usr/lib/chromium/vk_swiftshader_icd.json" "$cache/root/usr/lib/chromium"
}

install() {
  [ -f "$env_file" ] && return
  [ "$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release || die 'only on Debian, as root'
  codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  rm -rf "$cache"
  mkdir -p "$cache/root"
  install_lavapipe || install_swiftshader || die 'neither lavapipe nor SwiftShader can be installed'
  rm -rf "$cache/apt"
}

case ${1:-} in
  install) install ;;
  env) install; cat "$env_file" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
