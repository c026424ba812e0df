#!/usr/bin/env bash
# Real Postgres + pgvector, Redis and Chromium for the tests.
#
#   eval "$(scripts/services.sh start)"   starts what is missing; prints the export lines, all else goes to stderr
#   scripts/services.sh running           exit status 0 when an earlier start of this checkout still runs
#   scripts/services.sh stop              stops what start has started, and deletes its data
#
# For each service, the first that holds: (a) DATABASE_URL, REDIS_URL or CHROMIUM_PATH is given: used as it is.
# (b) A Docker daemon with compose answers: the images of docker-compose.yml. (c) Debian and root: apt packages,
# run as their own unprivileged users on loopback. Data is throw-away and lies in a temporary directory.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
state=${TMPDIR:-/tmp}/simili-services-$(id -u)-$(cksum <<<"$root" | cut -d' ' -f1)
minimum_pgvector=0.8.0

say() { printf 'services: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# Runs a command quietly; shows what it said only when it fails.
quietly() {
  local log=$state/last.log
  "$@" >"$log" 2>&1 || { cat "$log" >&2; die "failed: $*"; }
}

# Every user may pass through (postgres and redis keep their data below), only we may list or write.
make_state() {
  mkdir -p -m 0711 "$state"
  [ -O "$state" ] && [ ! -L "$state" ] || die "$state belongs to somebody else"
}

# --- (b) Docker ------------------------------------------------------------------------------------------------------

has_docker() { have docker && timeout 10 docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

compose() { docker compose --project-name "$(basename "$state")" --env-file "$state/compose.env" --file "$root/docker-compose.yml" "$@"; }

write_compose_env() {
  [ -f "$state/compose.env" ] && return
  (umask 077 && cat >"$state/compose.env" <<END
POSTGRES_PASSWORD=$(secret)
REDIS_PASSWORD=$(secret)
SIMILI_ADMIN_KEY=$(secret)
SIMILI_SIGNING_KEY=$(secret)$(secret)
POSTGRES_PORT=$(free_port)
REDIS_PORT=$(free_port)
END
  )
}

docker_service() {
  write_compose_env
  say "$1: docker compose"
  compose up --detach --wait "$1" >&2
  # shellcheck disable=SC1091
  source "$state/compose.env"
}

# --- (c) Debian ------------------------------------------------------------------------------------------------------

is_debian_root() { [ "$(id -u)" = 0 ] && have apt-get && grep -qs '^ID=debian' /etc/os-release; }

apt_install() {
  say "apt: $*"
  [ -f "$state/updated" ] || { quietly apt-get update; touch "$state/updated"; }
  DEBIAN_FRONTEND=noninteractive quietly apt-get install -y --no-install-recommends "$@"
}

as() { local user=$1; shift; (cd "$state" && setpriv --reuid="$user" --regid="$user" --clear-groups env -i LC_ALL=C.UTF-8 PATH="$PATH" "$@"); }

postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }

at_least_minimum() { [ -n "$1" ] && dpkg --compare-versions "$1" ge "$minimum_pgvector"; }

installed_pgvector() { sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$("$(postgres_bin)/pg_config" --sharedir)/extension/vector.control" 2>/dev/null || true; }

install_pgvector() {
  local major candidate
  at_least_minimum "$(installed_pgvector)" && return
  major=$(basename "$(dirname "$(postgres_bin)")")
  [ -f "$state/updated" ] || { quietly apt-get update; touch "$state/updated"; }
  candidate=$(apt-cache policy "postgresql-$major-pgvector" | sed -n 's/^ *Candidate: *//p' | grep -v none || true)
  if at_least_minimum "$candidate"; then apt_install "postgresql-$major-pgvector"; else build_pgvector "$major"; fi
  at_least_minimum "$(installed_pgvector)" || die "pgvector $minimum_pgvector or newer could not be installed"
}

# An older Debian has an older pgvector: compile the source package of trixie, from the mirror that apt already uses.
build_pgvector() {
  local major=$1 work=$state/pgvector mirror
  say "pgvector: building for Postgres $major"
  apt_install "postgresql-server-dev-$major" build-essential
  rm -rf "$work" && mkdir -p "$work/lists/partial"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' | head -1)
  [ -n "$mirror" ] || die 'apt has no Debian mirror configured'
  printf 'Types: deb-src\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" >"$work/trixie.sources"
  local options=(-o "Dir::Etc::sourcelist=$work/trixie.sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root)
  quietly apt-get "${options[@]}" update
  (cd "$work" && quietly apt-get "${options[@]}" source --download-only pgvector)
  mkdir "$work/source" && tar -xzf "$work"/pgvector_*.orig.tar.gz -C "$work/source" --strip-components=1
  # OPTFLAGS empty: no -march=native, the result may be kept for another machine.
  local make_options=(-C "$work/source" OPTFLAGS= with_llvm=no "PG_CONFIG=$(postgres_bin)/pg_config")
  quietly make -j2 "${make_options[@]}"
  quietly make "${make_options[@]}" install
  rm -rf "$work"
}

debian_postgres() {
  [ -n "$(postgres_bin)" ] || apt_install postgresql
  install_pgvector
  local data=$state/postgres port password
  port=$(free_port) password=$(secret)
  rm -rf "$data" && install -d -o postgres -g postgres -m 0700 "$data"
  (umask 077 && echo "$password" >"$state/password" && chown postgres "$state/password")
  quietly as postgres "$(postgres_bin)/initdb" -D "$data" -U simili -A scram-sha-256 --pwfile="$state/password" -E UTF8 --no-sync
  rm "$state/password"
  # The data is throw-away, hence no fsync. Shared memory in the data directory: containers keep /dev/shm small.
  cat >>"$data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
fsync = off
dynamic_shared_memory_type = mmap
END
  quietly as postgres "$(postgres_bin)/pg_ctl" -D "$data" -w -l "$data/server.log" start
  DATABASE_URL=postgresql://simili:$password@127.0.0.1:$port/postgres
}

debian_redis() {
  have redis-server || apt_install redis-server
  local data=$state/redis port password
  port=$(free_port) password=$(secret)
  rm -rf "$data" && install -d -o redis -g redis -m 0700 "$data"
  cat >"$data/redis.conf" <<END
bind 127.0.0.1
port $port
requirepass $password
dir $data
pidfile $data/redis.pid
logfile $data/server.log
daemonize yes
maxmemory-policy noeviction
save ""
END
  chown redis: "$data/redis.conf" && chmod 0600 "$data/redis.conf"
  quietly as redis redis-server "$data/redis.conf"
  REDIS_URL=redis://default:$password@127.0.0.1:$port
}

# --- the three services ------------------------------------------------------------------------------------------------

nothing_fits() { die "$1 is not set, no Docker daemon with compose answers, and this is not Debian as root: give one of them"; }

start_postgres() {
  if [ -n "${DATABASE_URL:-}" ]; then say 'postgres: DATABASE_URL is given'
  elif has_docker; then
    docker_service postgres
    DATABASE_URL=postgresql://simili:$POSTGRES_PASSWORD@127.0.0.1:$POSTGRES_PORT/simili
  elif is_debian_root; then debian_postgres
  else nothing_fits DATABASE_URL; fi
}

start_redis() {
  if [ -n "${REDIS_URL:-}" ]; then say 'redis: REDIS_URL is given'
  elif has_docker; then
    docker_service redis
    REDIS_URL=redis://default:$REDIS_PASSWORD@127.0.0.1:$REDIS_PORT
  elif is_debian_root; then debian_redis
  else nothing_fits REDIS_URL; fi
}

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

start_chromium() {
  CHROMIUM_PATH=${CHROMIUM_PATH:-$(find_chromium)}
  [ -n "$CHROMIUM_PATH" ] && return
  is_debian_root || die 'no Chromium found: install it or set CHROMIUM_PATH'
  apt_install chromium
  CHROMIUM_PATH=$(find_chromium)
}

# Do both ports that an earlier start wrote down still answer?
running() {
  [ -f "$state/env" ] || return 1
  node -e '
    const { connect } = require("node:net");
    const urls = [...require("node:fs").readFileSync(process.argv[1], "utf8").matchAll(/(?:DATABASE|REDIS)_URL=(\S+)/g)];
    for (const [, url] of urls) {
      const { hostname, port } = new URL(url.replace(/'"'"'/g, ""));
      connect({ host: hostname, port: Number(port || (url.includes("redis") ? 6379 : 5432)), timeout: 2000 })
        .on("connect", function () { this.end(); })
        .on("timeout", () => process.exit(1))
        .on("error", () => process.exit(1));
    }' "$state/env"
}

start() {
  local database=${DATABASE_URL:-} redis=${REDIS_URL:-} chromium=${CHROMIUM_PATH:-}
  make_state
  if running; then
    # shellcheck disable=SC1091
    source "$state/env"
  else
    stop_started
    make_state
    start_postgres
    start_redis
    start_chromium
    (umask 077 && exports "$DATABASE_URL" "$REDIS_URL" "$CHROMIUM_PATH" >"$state/env")
  fi
  exports "${database:-$DATABASE_URL}" "${redis:-$REDIS_URL}" "${chromium:-$CHROMIUM_PATH}"
}

exports() { printf "export DATABASE_URL='%s'\nexport REDIS_URL='%s'\nexport CHROMIUM_PATH='%s'\n" "$@"; }

stop_redis() { if [ "$(cat "/proc/$1/comm" 2>/dev/null)" = redis-server ]; then kill "$1"; fi; }

stop_started() {
  [ -d "$state" ] || return 0
  [ -f "$state/compose.env" ] && compose down --volumes >&2
  # A machine that was switched off leaves pid files of processes that are gone, or are somebody else's by now.
  if [ -f "$state/postgres/postmaster.pid" ]; then as postgres "$(postgres_bin)/pg_ctl" -D "$state/postgres" -m immediate stop >&2 || true; fi
  if [ -f "$state/redis/redis.pid" ]; then stop_redis "$(cat "$state/redis/redis.pid")"; fi
  rm -rf "$state"
}

case ${1:-} in
  start) start ;;
  running) running ;;
  stop) stop_started ;;
  *) die 'usage: services.sh start | running | stop' ;;
esac
