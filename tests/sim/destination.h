/* destination.h - a model of a ClickHouse server: tables as objects that names point to, Replacing rows, the window of
 * tokens, and inserts and ALTERs that go on after nobody waits for their answer any more.
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
    Definition definition; /* by which it was decoded */
} Row;

typedef struct {
    unsigned uuid;
    bool keeps_all;
    GArray *rows; /* of Row: all that were ever inserted, since it was emptied */
    GHashTable *tokens;   /* of what is in it */
    GHashTable *versions; /* of changes, once each */
    Definition definition; /* as far as it shows there: nothing is done about a column that was dropped */
    char *proof;           /* a comment; never NULL */
} Object;

typedef struct {
    Object *object;
    char *token, *query_id;
    GArray *rows;         /* of Row */
    Definition definition; /* of the block */
    bool committed, lost; /* nobody waits for its answer any more */
    void *waiting;        /* whose answer it is */
} Running;

/* One step of an ALTER. */
typedef struct {
    Object *object;
    char *proof, *query_id;
    bool adds; /* a column; else it modifies one */
    bool lost; /* nobody waits for its answer any more */
} Altering;

typedef struct {
    GHashTable *names; /* -> Object */
    GPtrArray *running;
    GPtrArray *altering;
    unsigned next_uuid;
    uint64_t changes; /* grows with each of what readers see */
    bool doubled;     /* a change was inserted twice into one table */
    bool mistaken;    /* values of one type were taken for another's */
} Destination;

Destination *destination_new(void);
void destination_free(Destination *destination);
Object *destination_create(Destination *destination, const char *name, bool keeps_all, Definition definition);
Object *destination_find(const Destination *destination, const char *name);
void destination_drop(Destination *destination, const char *name);
void destination_exchange(Destination *destination, const char *one, const char *other);
void destination_truncate(Destination *destination, Object *object);
typedef enum {
    INSERT_BEGINS,
    INSERT_NO_TABLE,
    INSERT_REFUSED /* it has columns or types that the table has not */
} InsertAnswer;
InsertAnswer destination_begin(Destination *destination, const char *name, const char *token, const char *query_id,
                               Definition definition, const GArray *rows, void *waiting);
void destination_alter(Destination *destination, Object *object, bool adds, const char *proof, const char *query_id);
/* It was carried out, and is answered if anybody waits. */
void destination_altered(Destination *destination, Altering *altering);
/* NULL: it is over, or nobody waits for it. */
const Altering *destination_find_alter(const Destination *destination, const char *query_id);
void destination_commit(Destination *destination, Running *running);
void destination_remove(Destination *destination, Running *running);
void destination_kill(Destination *destination, const char *prefix);
/* What FINAL shows; 0: no row. */
const Row *destination_newest(const Object *object, unsigned key); /* the deletion of a row too; NULL: none */
uint32_t destination_row(const Object *object, unsigned key);

#endif
