/* protocol.h - one JSON object a line over the control socket (`sluice.sock` in the state dir).
 *
 * Request:  {"id": 7, "do": "pause", "name": "orders", ...}
 * Answer:   {"id": 7, "ok": true, ...}   or   {"id": 7, "error": {"code": 4, "message": "what, why, what to do"}}
 * `code` is the exit code of commands.md. Requests ("do" and their fields; answers' fields after the arrow):
 *   status                                     -> view
 *   watch    {interval_ms}                     -> ok, then {"view": {...}} at every change, at most once per interval, and at
 *                                                 least every second; ends with the connection
 *   check    {source, dest, tables[], exclude[], mode, settings{}}   -> checks[{result "ok"|"warn"|"fail", name, found, mend}], ok_to_create
 *   create   {name, source, dest, tables[], exclude[], mode, settings{}} -> checks; error 5 with checks when one failed
 *   pause, resume, retry, drop, resync, cancel {name, tables[]?, drop_target?}
 *   reposition {name, file, pos} or {name, gtid}, check?: true -> from, to, gap (words); `check`: it is looked at alone
 *   tables_add {name, tables[], check?: true}  -> checks; error 5 with checks when one failed; `check`: they are looked at alone
 *   tables_remove {name, tables[], drop_target?}
 *   source_tables {source} or {name}           -> tables[{source "db.t", database, table, rows, bytes, key, view, in_pipe}]
 *                                                 (key null: none; view: true, it is one; name: of the source of that pipe)
 *   tables   {name}                            -> tables[] as in the view
 *   table    {name, table}                     -> table{source, target, engine, key, columns[]}: see detail.h
 *   history  {name}                            -> cell_seconds, cells[] as in the view's `history`: the last day or longer, the
 *                                                 last one not full yet
 *   log      {name?, after_id?, limit?}        -> entries[{id, at, pipe, actor, kind, text, position}]
 *   set      {name, settings{}}                -> settings[{name, value, default, values, meaning, when, waits}], notes[],
 *                                                 table_settings[{name, values, meaning}]: those that single tables may have
 *   set      {new: true, settings{}}           -> settings[], table_settings[]: of a pipe that would be created with these
 *   set      {engine: true, settings{}}        -> settings[], those of the engine
 *   sql      {name?, query}                    -> body (text)
 *   export   {names[]}                         -> pipes[{name, source, dest, mode, tables[], settings{}}], passwords as ***
 *   verify   {name, tables[]?, repair?: true}  -> number; progress is in the view
 *   verify_cancel {name}                       -> ok
 *   verify_result {name}                       -> number (null: none), tables[{table, rows, read (by value), differences, at_least, repaired,
 *                                                 unsettled, skipped}], differences[{table, kind, key, repaired, ahead, values[{column, source, dest}]}]:
 *                                                 of the last one, also while it runs; the first 1000 are listed
 *   doctor                                     -> pipes[{name, source[], destination[]}], checks as those of `check`
 *   stop                                       -> ok (the engine ends cleanly after answering)
 * An object of more than 16 MiB is refused.
 */
#ifndef SLUICE_CONTROL_PROTOCOL_H
#define SLUICE_CONTROL_PROTOCOL_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#define PROTOCOL_MAX_LINE (16u * 1024 * 1024)

json_t *protocol_request(const char *what);                       /* {"do": what}; new reference */
json_t *protocol_ok(void);                                        /* {"ok": true} */
json_t *protocol_error(const GError *error);                      /* {"error": {...}}: SLUICE_ERROR's code, else 1 */
bool protocol_answer_ok(const json_t *answer, GError **error);    /* turns an answer's error into a GError (SLUICE_ERROR) */

/* Splits what a socket gives into lines. Push bytes, then pull objects until NULL without error. */
typedef struct ProtocolReader ProtocolReader;
ProtocolReader *protocol_reader_new(void);
void protocol_reader_free(ProtocolReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProtocolReader, protocol_reader_free)
bool protocol_reader_push(ProtocolReader *reader, const char *bytes, size_t len, GError **error);
json_t *protocol_reader_pull(ProtocolReader *reader, GError **error);
/* An object as one line with its newline. Free with free(). */
char *protocol_line(const json_t *object, size_t *len);

char *protocol_socket_path(const char *state_dir);
/* --state-dir or its default (commands.md). Free with g_free. */
char *protocol_state_dir(const char *option);

#endif
