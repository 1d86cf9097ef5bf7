#include "pipe/prepared.h"

#include "base/base.h"
#include "pipe/json_text.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HEADER       32
#define SPILL_BYTES  (256u << 10) /* a transaction's events above this go to its file */
#define MEMORY_BYTES (8u << 20)   /* of all that are prepared */

struct PreparedTransaction {
    Prepared *of;
    char *xid;         /* NULL while it is being read */
    char *file;        /* name in the folder */
    uint64_t size;     /* of all its rows events' bodies */
    uint64_t written;  /* bytes of records in the file */
    GByteArray *buffer; /* records behind them */
    GHashTable *others; /* names told by records */
    GArray *marks;      /* of uint64_t: length of the records before each mark of the group */
    bool synced;
    uint64_t named_in; /* seq of the last checkpoint that names it; 0: that of the start */
    bool named;
};

struct Prepared {
    char *folder;
    bool folders_synced;
    GPtrArray *open;     /* of PreparedTransaction */
    GPtrArray *resolved; /* whose files a checkpoint may still name */
};

/* ---- Files ---- */

static bool file_error(GError **error, const char *what, const char *path)
{
    int saved = errno;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "%s %s: %s%s", what, path, g_strerror(saved),
                saved == ENOSPC ? ": make room on the disk of the state directory" : "");
    return false;
}

static char *file_path(const PreparedTransaction *transaction)
{
    return g_build_filename(transaction->of->folder, transaction->file, NULL);
}

static bool write_whole(int fd, const uint8_t *bytes, size_t len, uint64_t at)
{
    while (len) {
        ssize_t n = pwrite(fd, bytes, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

/* Puts what is in memory behind what is in the file. Repeating it after a failure writes the same bytes to the same place. */
static bool flush(PreparedTransaction *transaction, bool sync, GError **error)
{
    g_autofree char *path = file_path(transaction);
    if (g_mkdir_with_parents(transaction->of->folder, 0700) != 0)
        return file_error(error, "cannot make the folder", transaction->of->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_error(error, "cannot write", path);
    bool ok = write_whole(fd, transaction->buffer->data, transaction->buffer->len, transaction->written) &&
              (!sync || fsync(fd) == 0);
    if (!ok)
        file_error(error, "cannot write", path);
    close(fd);
    if (!ok)
        return false;
    transaction->written += transaction->buffer->len;
    g_byte_array_set_size(transaction->buffer, 0);
    return true;
}

static bool sync_folder(const char *folder, GError **error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        file_error(error, "cannot write the folder", folder);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The files' names, and the first time those of the folders that were made for them. */
static bool sync_names(Prepared *prepared, GError **error)
{
    if (!sync_folder(prepared->folder, error))
        return false;
    if (prepared->folders_synced)
        return true;
    g_autofree char *of_pipes = g_path_get_dirname(prepared->folder);
    g_autofree char *state_dir = g_path_get_dirname(of_pipes);
    prepared->folders_synced = sync_folder(of_pipes, error) && sync_folder(state_dir, error);
    return prepared->folders_synced;
}

static char *folder_of(const char *state_dir, const char *pipe_uuid)
{
    return g_build_filename(state_dir, "prepared", pipe_uuid, NULL);
}

static const PreparedTransaction *find_file(const GPtrArray *transactions, const char *file)
{
    for (unsigned i = 0; i < transactions->len; i++) {
        const PreparedTransaction *transaction = transactions->pdata[i];
        if (strcmp(transaction->file, file) == 0)
            return transaction;
    }
    return NULL;
}

static void remove_files(const char *folder, const GPtrArray *but)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (!but || !find_file(but, name))
            g_unlink(path);
    }
}

void prepared_remove_all(const char *state_dir, const char *pipe_uuid)
{
    g_autofree char *folder = folder_of(state_dir, pipe_uuid);
    remove_files(folder, NULL);
    g_rmdir(folder);
}

/* ---- Transactions ---- */

static void transaction_free(PreparedTransaction *transaction)
{
    g_free(transaction->xid);
    g_free(transaction->file);
    g_byte_array_unref(transaction->buffer);
    g_hash_table_destroy(transaction->others);
    g_array_free(transaction->marks, TRUE);
    g_free(transaction);
}

static PreparedTransaction *transaction_new(Prepared *prepared)
{
    PreparedTransaction *transaction = g_new0(PreparedTransaction, 1);
    transaction->of = prepared;
    transaction->buffer = g_byte_array_new();
    transaction->others = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    transaction->marks = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    return transaction;
}

static void remove_file(const PreparedTransaction *transaction)
{
    g_autofree char *path = file_path(transaction);
    if (transaction->written)
        g_unlink(path);
}

PreparedTransaction *prepared_begin(Prepared *prepared, uint32_t epoch, uint64_t offset)
{
    PreparedTransaction *transaction = transaction_new(prepared);
    transaction->file = g_strdup_printf("e%u-%" G_GUINT64_FORMAT, epoch, offset);
    return transaction;
}

void prepared_discard(PreparedTransaction *transaction)
{
    if (!transaction)
        return;
    remove_file(transaction);
    transaction_free(transaction);
}

uint64_t prepared_count(PreparedTransaction *transaction, size_t body_len)
{
    uint64_t place = transaction->size;
    transaction->size += body_len;
    return place;
}

uint64_t prepared_size(const PreparedTransaction *transaction)
{
    return transaction->size;
}

static void put_le(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_le(const uint8_t *from, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
    return (uint32_t)crc32_z(0, bytes, len);
}

static void add_record(PreparedTransaction *transaction, PreparedKind kind, const BinlogEvent *event, uint64_t place,
                       const uint8_t *body, size_t len)
{
    uint8_t header[HEADER] = {(uint8_t)kind, event ? (uint8_t)event->type : 0};
    put_le(header + 2, event ? event->flags : 0, 2);
    put_le(header + 4, event ? event->timestamp : 0, 4);
    put_le(header + 8, place, 8);
    put_le(header + 16, len, 8);
    put_le(header + 24, crc_of(body, len), 4);
    put_le(header + 28, crc_of(header, 28), 4);
    g_byte_array_append(transaction->buffer, header, HEADER);
    g_byte_array_append(transaction->buffer, body, (guint)len);
}

void prepared_add_event(PreparedTransaction *transaction, PreparedKind kind, const BinlogEvent *event, uint64_t place)
{
    add_record(transaction, kind, event, place, event->body, event->body_len);
}

void prepared_add_other_table(PreparedTransaction *transaction, const char *name)
{
    if (g_hash_table_add(transaction->others, g_strdup(name)))
        add_record(transaction, PREPARED_OTHER_TABLE, NULL, 0, (const uint8_t *)name, strlen(name));
}

bool prepared_spill(PreparedTransaction *transaction, GError **error)
{
    return transaction->buffer->len < SPILL_BYTES || flush(transaction, false, error);
}

void prepared_mark(PreparedTransaction *transaction, unsigned marks)
{
    uint64_t length = transaction->written + transaction->buffer->len;
    while (transaction->marks->len < marks)
        g_array_append_val(transaction->marks, length);
}

/* Records behind the mark are forgotten; the tables that they named stay named: a needless advice, not a loss. */
void prepared_undo_to(PreparedTransaction *transaction, unsigned mark)
{
    if (transaction->marks->len <= mark)
        return;
    uint64_t length = g_array_index(transaction->marks, uint64_t, mark);
    g_array_set_size(transaction->marks, mark);
    if (length >= transaction->written) {
        g_byte_array_set_size(transaction->buffer, (guint)(length - transaction->written));
    } else {
        g_byte_array_set_size(transaction->buffer, 0);
        transaction->written = length; /* the file is written over from here */
    }
    g_hash_table_remove_all(transaction->others); /* told again if they come again */
}

static uint64_t memory_of_all(const Prepared *prepared)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < prepared->open->len; i++)
        sum += ((const PreparedTransaction *)prepared->open->pdata[i])->buffer->len;
    return sum;
}

void prepared_keep(Prepared *prepared, PreparedTransaction *take, const char *xid)
{
    PreparedTransaction *older = prepared_find(prepared, xid);
    if (older)
        prepared_resolve(prepared, older);
    take->xid = g_strdup(xid);
    g_array_set_size(take->marks, 0);
    g_hash_table_remove_all(take->others);
    g_ptr_array_add(prepared->open, take);
    /* Where the disk is full it stays in memory for now: the next checkpoint waits for it. */
    if (memory_of_all(prepared) > MEMORY_BYTES)
        flush(take, false, NULL);
}

PreparedTransaction *prepared_find(Prepared *prepared, const char *xid)
{
    for (unsigned i = 0; i < prepared->open->len; i++) {
        PreparedTransaction *transaction = prepared->open->pdata[i];
        if (strcmp(transaction->xid, xid) == 0)
            return transaction;
    }
    return NULL;
}

void prepared_resolve(Prepared *prepared, PreparedTransaction *transaction)
{
    g_ptr_array_remove_fast(prepared->open, transaction);
    if (transaction->named)
        g_ptr_array_add(prepared->resolved, transaction);
    else
        prepared_discard(transaction);
}

/* ---- Reading it again ---- */

struct PreparedReader {
    const PreparedTransaction *transaction;
    char *path;
    int fd;
    uint64_t at;
    GByteArray *body;
};

PreparedReader *prepared_read(const PreparedTransaction *transaction)
{
    PreparedReader *reader = g_new0(PreparedReader, 1);
    reader->transaction = transaction;
    reader->path = file_path(transaction);
    reader->fd = -1;
    reader->body = g_byte_array_new();
    return reader;
}

void prepared_reader_free(PreparedReader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    g_byte_array_unref(reader->body);
    g_free(reader->path);
    g_free(reader);
}

static bool damaged(const PreparedReader *reader, const char *what, GError **error)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                "the file %s, which holds the rows of the prepared XA transaction %s, %s: they cannot be applied", reader->path,
                reader->transaction->xid ? reader->transaction->xid : "that ends in one phase", what);
    return false;
}

static bool read_file(PreparedReader *reader, uint8_t *to, size_t len, GError **error)
{
    if (reader->fd < 0)
        reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return damaged(reader, g_strerror(errno), error);
    while (len) {
        ssize_t n = pread(reader->fd, to, len, (off_t)reader->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return damaged(reader, n < 0 ? g_strerror(errno) : "is cut short", error);
        to += n;
        reader->at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

/* Records stand whole in the file, or whole in memory. */
static bool read_bytes(PreparedReader *reader, uint8_t *to, uint64_t len, GError **error)
{
    const PreparedTransaction *transaction = reader->transaction;
    if (reader->at < transaction->written)
        return len <= transaction->written - reader->at ? read_file(reader, to, len, error)
                                                        : damaged(reader, "is cut short", error);
    uint64_t in_memory = reader->at - transaction->written;
    if (len > transaction->buffer->len - in_memory)
        return damaged(reader, "is cut short", error);
    memcpy(to, transaction->buffer->data + in_memory, len);
    reader->at += len;
    return true;
}

/* The body, with a terminating zero for names, is in reader->body. */
static bool read_record(PreparedReader *reader, uint64_t whole, uint8_t *header, uint64_t *len, GError **error)
{
    if (!read_bytes(reader, header, HEADER, error))
        return false;
    *len = get_le(header + 16, 8);
    if (get_le(header + 28, 4) != crc_of(header, 28) || *len > whole - reader->at || header[0] > PREPARED_OTHER_TABLE)
        return damaged(reader, "is damaged", error);
    g_byte_array_set_size(reader->body, (guint)*len + 1);
    if (*len && !read_bytes(reader, reader->body->data, *len, error))
        return false;
    reader->body->data[*len] = 0;
    return get_le(header + 24, 4) == crc_of(reader->body->data, *len) || damaged(reader, "is damaged", error);
}

int prepared_next(PreparedReader *reader, PreparedRecord *out, GError **error)
{
    uint8_t header[HEADER];
    uint64_t len, whole = reader->transaction->written + reader->transaction->buffer->len;
    if (reader->at == whole)
        return 0;
    if (!read_record(reader, whole, header, &len, error))
        return -1;
    *out = (PreparedRecord){.kind = header[0], .place = get_le(header + 8, 8), .name = (const char *)reader->body->data};
    out->event = (BinlogEvent){.type = header[1],
                               .flags = (uint16_t)get_le(header + 2, 2),
                               .timestamp = (uint32_t)get_le(header + 4, 4),
                               .body = reader->body->data,
                               .body_len = len};
    return 1;
}

/* ---- Checkpoints ---- */

unsigned prepared_count_open(const Prepared *prepared)
{
    return prepared->open->len;
}

static bool load_one(Prepared *prepared, const json_t *item, GError **error)
{
    const char *xid = json_string_value(json_object_get(item, "xid"));
    const char *file = json_string_value(json_object_get(item, "file"));
    const json_t *size = json_object_get(item, "size"), *length = json_object_get(item, "length");
    GStatBuf found;

    if (!xid || !file || strchr(file, '/') || !json_is_integer(size) || !json_is_integer(length)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "the catalog's list of prepared XA transactions cannot be read");
        return false;
    }
    PreparedTransaction *transaction = transaction_new(prepared);
    transaction->xid = g_strdup(xid);
    transaction->file = g_strdup(file);
    transaction->size = (uint64_t)json_integer_value(size);
    transaction->written = (uint64_t)json_integer_value(length);
    transaction->synced = transaction->named = true;
    g_ptr_array_add(prepared->open, transaction);
    g_autofree char *path = file_path(transaction);
    if (transaction->written && (g_stat(path, &found) != 0 || (uint64_t)found.st_size < transaction->written)) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "the file %s, which holds the rows of the prepared XA transaction %s, is missing or cut short: restore the "
                    "state directory as a whole",
                    path, xid);
        return false;
    }
    return true;
}

static bool load(Prepared *prepared, const char *text, GError **error)
{
    json_t *list = json_loads(text, 0, NULL), *item;
    size_t i;
    bool ok = json_is_array(list);
    if (!ok)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_CATALOG, "the catalog's list of prepared XA transactions is not JSON");
    else
        json_array_foreach(list, i, item)
            ok = ok && load_one(prepared, item, error);
    json_decref(list);
    return ok;
}

Prepared *prepared_open(const char *state_dir, const char *pipe_uuid, const char *text, GError **error)
{
    Prepared *prepared = g_new0(Prepared, 1);
    prepared->folder = folder_of(state_dir, pipe_uuid);
    prepared->open = g_ptr_array_new();
    prepared->resolved = g_ptr_array_new();
    if (text && !load(prepared, text, error)) {
        prepared_free(prepared);
        return NULL;
    }
    remove_files(prepared->folder, prepared->open);
    return prepared;
}

void prepared_free(Prepared *prepared)
{
    if (!prepared)
        return;
    g_ptr_array_set_free_func(prepared->open, (GDestroyNotify)transaction_free);
    g_ptr_array_set_free_func(prepared->resolved, (GDestroyNotify)transaction_free);
    g_ptr_array_free(prepared->open, TRUE);
    g_ptr_array_free(prepared->resolved, TRUE);
    g_free(prepared->folder);
    g_free(prepared);
}

static bool put_on_disk(Prepared *prepared, GError **error)
{
    bool any = false;
    for (unsigned i = 0; i < prepared->open->len; i++) {
        PreparedTransaction *transaction = prepared->open->pdata[i];
        if (transaction->synced)
            continue;
        bool empty = transaction->written + transaction->buffer->len == 0;
        if (!empty && !flush(transaction, true, error))
            return false;
        any = any || !empty;
    }
    if (any && !sync_names(prepared, error))
        return false;
    for (unsigned i = 0; i < prepared->open->len; i++)
        ((PreparedTransaction *)prepared->open->pdata[i])->synced = true;
    return true;
}

bool prepared_save(Prepared *prepared, uint64_t seq, char **text, GError **error)
{
    *text = NULL;
    if (prepared->open->len == 0)
        return true;
    if (!put_on_disk(prepared, error))
        return false;
    json_t *list = json_array();
    for (unsigned i = 0; i < prepared->open->len; i++) {
        PreparedTransaction *transaction = prepared->open->pdata[i];
        transaction->named = true;
        transaction->named_in = seq;
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "xid", transaction->xid, "file", transaction->file, "size",
                                              (json_int_t)transaction->size, "length", (json_int_t)transaction->written));
    }
    *text = json_text_take(list);
    return true;
}

void prepared_checkpoint_saved(Prepared *prepared, uint64_t seq)
{
    for (unsigned i = prepared->resolved->len; i-- > 0;) {
        PreparedTransaction *transaction = prepared->resolved->pdata[i];
        if (transaction->named_in >= seq)
            continue;
        g_ptr_array_remove_index_fast(prepared->resolved, i);
        prepared_discard(transaction);
    }
}
