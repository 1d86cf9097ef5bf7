/* spool.c - see spool.h */
#include "endpoint/spool.h"

#include "endpoint/fault.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct Spool {
    GByteArray *memory;
    size_t limit;
    const char *directory;
    int fd; /* -1: all is in memory; else what came after it is in the file */
    uint64_t in_file;
};

Spool *spool_new(size_t memory_limit, const char *directory)
{
    Spool *spool = g_new0(Spool, 1);
    spool->memory = g_byte_array_new();
    spool->limit = memory_limit;
    spool->directory = directory;
    spool->fd = -1;
    return spool;
}

void spool_free(Spool *spool)
{
    if (!spool)
        return;
    if (spool->fd >= 0)
        close(spool->fd);
    g_byte_array_unref(spool->memory);
    g_free(spool);
}

uint64_t spool_size(const Spool *spool)
{
    return spool->memory->len + spool->in_file;
}

static bool spool_open_file(Spool *spool, GError **error)
{
    g_autofree char *name = g_build_filename(spool->directory, "response-XXXXXX", NULL);
    spool->fd = g_mkstemp(name);
    if (spool->fd < 0) {
        fault_set(error, FAULT_UNKNOWN_EXCEPTION, "Cannot make a temporary file in %s: %s", spool->directory,
                  g_strerror(errno));
        return false;
    }
    unlink(name);
    return true;
}

bool spool_write(Spool *spool, const void *bytes, size_t len, GError **error)
{
    if (spool->fd < 0 && spool->memory->len + len <= spool->limit) {
        g_byte_array_append(spool->memory, bytes, (guint)len);
        return true;
    }
    if (spool->fd < 0 && !spool_open_file(spool, error))
        return false;
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = pwrite(spool->fd, p, len, (off_t)spool->in_file);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fault_set(error, FAULT_UNKNOWN_EXCEPTION, "Cannot keep the response in %s: %s", spool->directory,
                      g_strerror(errno));
            return false;
        }
        p += n;
        len -= (size_t)n;
        spool->in_file += (uint64_t)n;
    }
    return true;
}

ssize_t spool_read(Spool *spool, uint64_t offset, void *bytes, size_t max)
{
    if (offset < spool->memory->len) {
        size_t n = MIN(max, spool->memory->len - (size_t)offset);
        memcpy(bytes, spool->memory->data + offset, n);
        return (ssize_t)n;
    }
    offset -= spool->memory->len;
    if (offset >= spool->in_file)
        return 0;
    ssize_t n;
    do {
        n = pread(spool->fd, bytes, max, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    return n;
}
