/* destination.h - a model of a ClickHouse server: tables as objects that names point to, Replacing rows, the window of
 * tokens, and inserts that go on after nobody waits for their answer any more.
 */
#ifndef SLUICE_SIM_DESTINATION_H
#define SLUICE_SIM_DESTINATION_H

#include "source.h"

typedef struct {
    unsigned key;
    uint64_t version;
    uint32_t value;
    bool deleted;
    bool loaded; /* of a load: it may be read, and stand there, more than once */
} Row;

typedef struct {
    unsigned uuid;
    bool keeps_all;
    GArray *rows; /* of Row: all that were ever inserted, since it was emptied */
    GHashTable *tokens;   /* of what is in it */
    GHashTable *versions; /* of changes, once each */
} Object;

typedef struct {
    Object *object;
    char *token, *query_id;
    GArray *rows;         /* of Row */
    bool committed, lost; /* nobody waits for its answer any more */
    void *waiting;        /* whose answer it is */
} Running;

typedef struct {
    GHashTable *names; /* -> Object */
    GPtrArray *running;
    unsigned next_uuid;
    uint64_t changes; /* grows with each of what readers see */
    bool doubled;     /* a change was inserted twice into one table */
} Destination;

Destination *destination_new(void);
void destination_free(Destination *destination);
Object *destination_create(Destination *destination, const char *name, bool keeps_all);
Object *destination_find(const Destination *destination, const char *name);
void destination_drop(Destination *destination, const char *name);
void destination_exchange(Destination *destination, const char *one, const char *other);
void destination_truncate(Destination *destination, Object *object);
/* False: there is no such table. */
bool destination_begin(Destination *destination, const char *name, const char *token, const char *query_id,
                       const GArray *rows, void *waiting);
void destination_commit(Destination *destination, Running *running);
void destination_remove(Destination *destination, Running *running);
void destination_kill(Destination *destination, const char *prefix);
/* What FINAL shows; 0: no row. */
const Row *destination_newest(const Object *object, unsigned key); /* the deletion of a row too; NULL: none */
uint32_t destination_row(const Object *object, unsigned key);

#endif
