# shellcheck shell=bash
# common.sh - what ./quickstart and ./test share: messages, steps with their time, and the build.
#
# Sourced with `top` set to the root of the source tree (absolute).

: "${top:?the root of the source tree}"
cache="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sluice"
export XDG_CACHE_HOME="${cache%/sluice}"
mkdir -p "$cache"

say()
{
    printf '%s\n' "$*"
}

die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# step TEXT...: one line with the seconds since the script began.
step()
{
    printf '%4ss  %s\n' "$SECONDS" "$*"
}

# build TREE [CONFIGURE OPTION...]: builds into the folder $top/TREE, all of it or what $build_target names; configures only where
# that was not done, or was done with other options. The messages of a build that fails are shown.
build()
{
    local tree=$1 log options
    shift
    options="$*"
    mkdir -p "$top/$tree"
    log="$top/$tree/build.log"
    if ! build_steps "$tree" "$options" "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        die "the build failed, $tree/build.log has all of it"
    fi
}

build_steps()
{
    local tree=$1 options=$2
    shift 2
    cd "$top" || return 1
    if [ ! -x configure ] || [ ! -f build-aux/tap-driver.sh ]; then
        autoreconf -i || return 1
    fi
    cd "$tree" || return 1
    if [ ! -f Makefile ] || [ "$(cat configured-with 2>/dev/null || true)" != "$options" ]; then
        ../configure -q "$@" || return 1
        printf '%s\n' "$options" >configured-with
    fi
    # shellcheck disable=SC2086 # the targets are to be split
    make -s -j"$(nproc)" ${build_target:-} || return 1
}

# wait_for SECONDS COMMAND...: runs the command every fifth of a second until it succeeds; fails when the time is over.
wait_for()
{
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# end_process PID [SECONDS]: SIGTERM, and SIGKILL when it is still there after that time (20 s).
end_process()
{
    local pid=$1 deadline=$((SECONDS + ${2:-20}))
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null && ! is_zombie "$pid"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            kill -KILL "$pid" 2>/dev/null || true
            break
        fi
        sleep 0.05
    done
    wait "$pid" 2>/dev/null || true
}

is_zombie()
{
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    stat=${stat##*) }
    [ "${stat%% *}" = Z ]
}
