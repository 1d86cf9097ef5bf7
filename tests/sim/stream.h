/* stream.h - what the files of the stream share: stream.c (events, batches), statements.c, failover.c. */
#ifndef SLUICE_SIM_STREAM_H
#define SLUICE_SIM_STREAM_H

#include "engine.h"

/* stream.c */
void stream_history_fails(Engine *engine, const char *what);
void stream_seal(Engine *engine, const CatalogBatch *forced);
void stream_catalog_save(Engine *engine, CatalogCheckpoint *checkpoint_take, uint64_t applied_seq);
bool stream_is_before(const Session *session, const Table *table, const BinlogEvent *event);
bool stream_follows(const Session *session, const Table *table, const BinlogEvent *event);
void stream_group_ended(Engine *engine, const BinlogEvent *event);
void stream_after_event(Engine *engine, const BinlogEvent *event);

/* statements.c */
/* A load that does not fit what comes now; it begins again by itself, but for a twin's. */
void stream_load_fails(Engine *engine, Table *table, const char *why);
/* It is to wait for what is before it. */
bool statement_stops(Engine *engine, const DdlStatement *statement, const BinlogEvent *event);
void statement_act(Engine *engine); /* one step of the one that waits */

/* Those that were being carried out when the last session ended: src/pipe/stream_statement.c. */
char *stream_statement_id(const Engine *engine, const BinlogEvent *event); /* free with g_free */
void stream_find_statements(Engine *engine);
/* False: what the server only has received yet is waited for. */
bool stream_judge_statements(Engine *engine, unsigned here);
void stream_check_statement(Engine *engine, GroupAction action, const LogEvent *event);

/* failover.c; false: the session does not begin */
void stream_advise(Engine *engine, Table *table);
bool stream_check_gtids(Engine *engine, const char *ours);
bool stream_judge_loads(Engine *engine, bool other);
void stream_fail_over(Engine *engine);
void stream_parse_beginnings(Engine *engine);
void stream_doubt_beginnings(Engine *engine, const GtidEvent *gtid);

#endif
