/* statement_note.h - which statement of the log is being carried out at the destination.
 *
 * It stands in the catalog, beside the table's definition, before anything of it is done, and goes with the checkpoint
 * behind it. What such a statement has done no row and no version takes back: a source that answers afterwards and
 * never had it is told by the note alone. Pure.
 */
#ifndef SLUICE_PIPE_STATEMENT_NOTE_H
#define SLUICE_PIPE_STATEMENT_NOTE_H

#include "catalog/catalog.h"
#include "mysql/mysql.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *id;       /* what tells it from all others: GTID, else its place in the log */
    char *sum;      /* of its text and time: servers hand out the same numbers again */
    char *shown;    /* of its text, for messages */
    char *file;     /* where it stands in the log that it was read from */
    uint64_t pos;
    uint32_t epoch; /* in which it was read */
} StatementNote;
void statement_note_clear(StatementNote *note);

/* The checkpoint stands behind it: it is done with, whatever has become of it. At another server by GTID. */
bool statement_note_is_passed(const StatementNote *note, SourceFlavour flavour, const CatalogCheckpoint *checkpoint);
/* Free with g_free. */
char *statement_note_sum(uint32_t time, const void *text, size_t len);
/* The definition, as the catalog keeps it, with the note in it. Free with g_free. */
char *statement_note_write(const char *definition, const StatementNote *note);
/* False: there is none. */
bool statement_note_read(const char *definition, StatementNote *out);

#endif
