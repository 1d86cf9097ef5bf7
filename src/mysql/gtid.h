/* gtid.h - the GTID state of a stream: MariaDB's "domain-server-seq" list or MySQL's set of intervals.
 *
 * Pure. Text in and out is the servers' own.
 */
#ifndef SLUICE_MYSQL_GTID_H
#define SLUICE_MYSQL_GTID_H

#include "mysql/event.h"

typedef struct GtidSet GtidSet;

GtidSet *gtid_set_parse(SourceFlavour flavour, const char *text, GError **error); /* "" is the empty set */
GtidSet *gtid_set_copy(const GtidSet *set);
void gtid_set_free(GtidSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GtidSet, gtid_set_free)

void gtid_set_add(GtidSet *set, const GtidEvent *gtid); /* at its transaction's end */
void gtid_set_join(GtidSet *set, const GtidSet *other); /* MySQL */
bool gtid_set_contains(const GtidSet *set, const GtidEvent *gtid);
/* A server never gives this GTID to a transaction that follows those of the set: it counts upwards. On MariaDB numbers are
 * compared only with the same server's last one: several servers may write into one domain out of order. */
bool gtid_set_is_repeat(const GtidSet *set, const GtidEvent *gtid);
/* Has one who has come to `set` come to `other`, too? On MariaDB by numbers alone. */
bool gtid_set_reaches(const GtidSet *set, const GtidSet *other);
/* MariaDB: what both hold is of one domain. */
bool gtid_set_have_one_domain(const GtidSet *set, const GtidSet *other);
char *gtid_set_text(const GtidSet *set); /* canonical; free with g_free */

/* MySQL's @@GLOBAL.gtid_owned: "UUID:NUMBER#THREAD:NUMBER#THREAD", one UUID right behind the other. */
GtidSet *gtid_set_parse_owned(const char *text, GError **error);

/* MySQL: what is in `set` and not in `other`. */
GtidSet *gtid_set_subtract(const GtidSet *set, const GtidSet *other);

/* MariaDB: those of `set` that a server with this @@gtid_binlog_state and @@gtid_slave_pos has not, as text; NULL:
 * none. The state tells the last number of each server in each domain, so a history that went another way is seen. What
 * it replicated last counts too, and nothing before that: it was not logged, as what was rolled back is not, and the
 * server goes on from there by itself; unless it has logged nothing of that server at all, for its log may have begun
 * anew. Free with g_free. */
char *gtid_set_missing_in_state(const GtidSet *set, const char *binlog_state, const char *slave_pos, GError **error);

/* MySQL: the data part of COM_BINLOG_DUMP_GTID (u64 n_sids, {uuid, u64 n, {u64 start, u64 end_exclusive}}). */
GByteArray *gtid_set_encode_mysql(const GtidSet *set);

#endif
