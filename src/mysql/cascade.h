/* cascade.h - foreign keys by which the server changes rows of a table when rows of another one change: CASCADE, SET NULL,
 * SET DEFAULT. MariaDB never logs what they do, MySQL from 9.6 on does by default [tried] (replication.md, What the log does
 * not show).
 *
 * They are read from SHOW CREATE TABLE and from ALTERs: MariaDB's information_schema.REFERENTIAL_CONSTRAINTS is empty for an
 * account that has nothing but SELECT on the tables [tried on 10.11 and 11.8].
 */
#ifndef SLUICE_MYSQL_CASCADE_H
#define SLUICE_MYSQL_CASCADE_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *name;             /* of the constraint; NULL: the server gives it one */
    char *database, *table; /* whose rows they refer to */
    char **columns;         /* of that table, which are referred to; NULL-terminated, may be empty: its primary key */
    bool on_delete, on_update;
} Cascade;

/* Those of a CREATE TABLE or ALTER TABLE statement in UTF-8; `database`: of the table itself, where the parent's is not told.
 * An array of Cascade that frees them; never NULL. */
GPtrArray *cascades_parse(const char *sql, uint64_t sql_mode, const char *database);
GPtrArray *cascades_copy(const GPtrArray *cascades); /* NULL gives an empty one */
json_t *cascades_to_json(const GPtrArray *cascades); /* new reference */
GPtrArray *cascades_from_json(const json_t *json);   /* what is damaged is left out */

#endif
