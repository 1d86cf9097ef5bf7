/* prepared.h - transactions that XA PREPARE set aside. Their rows stand in the log before it, but count only where XA COMMIT
 * stands, perhaps days and restarts later (replication.md, Transactions). Until then their events are kept: of small ones in
 * memory; of large ones, and of all that a checkpoint names, in files of a folder of the pipe's own under the state dir.
 *
 * A checkpoint names what is prepared at its place. A file goes when no checkpoint that can still be loaded names it; what
 * no checkpoint names is read from the log again. No locks: one thread at a time owns a Prepared.
 *
 * A file is a row of records: 32 bytes of header (u8 kind, u8 event type, u16 flags, u32 timestamp, u64 place, u64 length,
 * u32 CRC32 of what follows, u32 CRC32 of the header so far; little-endian), then the event's body, or a table's name.
 */
#ifndef SLUICE_PIPE_PREPARED_H
#define SLUICE_PIPE_PREPARED_H

#include "mysql/mysql.h"

typedef struct Prepared Prepared;                       /* of one pipe */
typedef struct PreparedTransaction PreparedTransaction; /* owned by its Prepared, but while it is being read */

typedef enum {
    PREPARED_TABLE_MAP,
    PREPARED_ROWS,
    PREPARED_OTHER_TABLE, /* it changed this table too, whose rows are not kept; `name` */
} PreparedKind;

/* Reads `text`, of a checkpoint (NULL: nothing is prepared), and removes files that it does not name. SLUICE_ERROR_FAILED:
 * a file of it is missing or cut short. */
Prepared *prepared_open(const char *state_dir, const char *pipe_uuid, const char *text, GError **error);
void prepared_free(Prepared *prepared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Prepared, prepared_free)
/* Of a pipe that is dropped. */
void prepared_remove_all(const char *state_dir, const char *pipe_uuid);

/* ---- Reading one from the log ---- */

/* `epoch`, `offset`: where it begins in the stream; they name its file. Owned by the caller until prepared_keep. */
PreparedTransaction *prepared_begin(Prepared *prepared, uint32_t epoch, uint64_t offset);
/* Its rows do not count. NULL: nothing is done. */
void prepared_discard(PreparedTransaction *transaction);
/* A rows event, of any table: the offset of the stream grows by it again where the transaction is committed. Returns its
 * place, counted from the transaction's start. */
uint64_t prepared_count(PreparedTransaction *transaction, size_t body_len);
void prepared_add_event(PreparedTransaction *transaction, PreparedKind kind, const BinlogEvent *event, uint64_t place);
void prepared_add_other_table(PreparedTransaction *transaction, const char *name); /* each once */
/* Gives its memory to its file once there is much of it; to be called after each event. When it fails nothing is lost, and
 * it may be called again. */
bool prepared_spill(PreparedTransaction *transaction, GError **error);
/* What is added from here on can be taken back: mark `k` of the group. Marks that are known are left alone. */
void prepared_mark(PreparedTransaction *transaction, unsigned marks);
void prepared_undo_to(PreparedTransaction *transaction, unsigned mark);

/* XA PREPARE: it is kept under this id. One that has the id already is replaced, for it can only be forgotten by its server. */
void prepared_keep(Prepared *prepared, PreparedTransaction *take, const char *xid);

/* ---- Its end ---- */

PreparedTransaction *prepared_find(Prepared *prepared, const char *xid); /* borrowed; NULL: not known */
/* Committed or rolled back: no checkpoint taken from now on names it. */
void prepared_resolve(Prepared *prepared, PreparedTransaction *transaction);
uint64_t prepared_size(const PreparedTransaction *transaction); /* by how much the offset grows at its commit */

typedef struct {
    PreparedKind kind;
    uint64_t place;
    BinlogEvent event; /* type, flags, timestamp, body; valid until the next record */
    const char *name;  /* PREPARED_OTHER_TABLE */
} PreparedRecord;

typedef struct PreparedReader PreparedReader;
PreparedReader *prepared_read(const PreparedTransaction *transaction);
/* 1: a record, 0: the end, -1: SLUICE_ERROR_FAILED, the file was damaged or cannot be read. */
int prepared_next(PreparedReader *reader, PreparedRecord *out, GError **error);
void prepared_reader_free(PreparedReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PreparedReader, prepared_reader_free)

/* ---- Checkpoints ---- */

unsigned prepared_count_open(const Prepared *prepared);
/* Puts on disk all that is prepared now, and tells it: the text for a checkpoint, NULL when there is none (no error). `seq`:
 * of the batch whose checkpoint this is. SLUICE_ERROR_CATALOG: it may be tried again. */
bool prepared_save(Prepared *prepared, uint64_t seq, char **text, GError **error);
/* The checkpoint of batch `seq` is saved: files that only older ones name are removed. */
void prepared_checkpoint_saved(Prepared *prepared, uint64_t seq);

#endif
