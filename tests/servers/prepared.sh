# shellcheck shell=bash
# prepared.sh - what a server of some version begins with is made once, kept in the cache, and copied from then on: tests start
# many servers, and a copy takes a tenth of the time.

cache="${cache:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sluice}"
prepared_cache="$cache/servers"

# prepared_take NAME VERSION DATA: fills the folder DATA, which is not there yet; fails when nothing is kept.
prepared_take()
{
    local kept="$prepared_cache/data-$1-$2"
    [ -d "$kept" ] && cp -a --sparse=always "$kept" "$3"
}

# prepared_keep NAME VERSION DATA: keeps what a server that has ended made. Only others of that name and another version go, after
# a day: tests that run may be copying them. A server's own id is not kept: each makes one.
prepared_keep()
{
    local kept="$prepared_cache/data-$1-$2" new old
    mkdir -p "$prepared_cache"
    new=$(mktemp -d "$prepared_cache/new.XXXXXX") || return 0
    if ! { cp -a "$3/." "$new" && rm -f "$new/auto.cnf" && mv -T "$new" "$kept"; } 2>/dev/null; then
        rm -rf "$new" # another script was faster, or the disk is full
    fi
    for old in "$prepared_cache/data-$1-"*; do
        [ "$old" = "$kept" ] || find "$old" -maxdepth 0 -mmin +1440 -exec rm -rf {} + 2>/dev/null || true
    done
}

# prepared_pair: sets `pair` to a folder with a certificate, cert.pem, and its key, key.pem, made once; empty when there is none.
prepared_pair()
{
    local new
    pair="$prepared_cache/pair"
    if [ ! -d "$pair" ]; then
        mkdir -p "$prepared_cache"
        new=$(mktemp -d "$prepared_cache/new.XXXXXX") || return 0
        { openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -keyout "$new/key.pem" -out "$new/cert.pem" &&
            mv -T "$new" "$pair"; } >/dev/null 2>&1 || rm -rf "$new" # another script was faster
    fi
    [ -d "$pair" ] || pair=''
}
