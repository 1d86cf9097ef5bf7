/* Reading one chunk of a table's snapshot.
 *
 * The statement is prepared by libmariadb and executed by a packet of our own, so that its rows can be taken straight
 * out of the network buffer: mysql_stmt_fetch would convert and copy every value. What stands on the wire (protocol
 * chapter "COM_STMT_EXECUTE response" of both servers' manuals): number of columns (on MariaDB >= 10.6 followed by a
 * byte that says whether definitions are sent again), the definitions, EOF, rows that begin with 0x00, EOF. */
#include "mysql/connection_private.h"
#include "mysql/consistent_private.h"
#include "mysql/ranges.h"
#include "mysql/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_DEPRECATE_EOF_FLAG (1UL << 24) /* not asked for by Connector/C 3.3, which has no name for it */

/* The last row is kept for chunk_reader_key; of a larger one only the key, as literals. */
#define KEEP_ROW_BYTES 65536u

/* How a value stands in a binary protocol row. */
typedef enum {
    WIRE_FIXED_1 = 1,
    WIRE_FIXED_2 = 2,
    WIRE_FIXED_4 = 4,
    WIRE_FIXED_8 = 8,
    WIRE_TEMPORAL,   /* a length byte and as many bytes */
    WIRE_LENGTH_TEXT /* a length-encoded number and as many bytes */
} ResultWire;

struct ChunkReader {
    SourceConnection *source;
    SourceTable *table;
    MYSQL_STMT *statement;
    bool open;   /* the result's end has not been read */
    bool broken; /* the connection is of no use any more */
    bool lent;   /* the transaction is the caller's */
    bool has_row;
    uint8_t *last;   /* room of KEEP_ROW_BYTES: the last row, last_len bytes of it */
    size_t last_len; /* 0: see last_key */
    char *last_key;
};

/* --- The wire form of columns --- */

static ResultWire column_wire(const SourceColumn *column)
{
    switch (column->type) {
    case SOURCE_TYPE_TINYINT:
        return WIRE_FIXED_1;
    case SOURCE_TYPE_SMALLINT:
    case SOURCE_TYPE_YEAR:
        return WIRE_FIXED_2;
    case SOURCE_TYPE_MEDIUMINT:
    case SOURCE_TYPE_INT:
    case SOURCE_TYPE_FLOAT:
        return WIRE_FIXED_4;
    case SOURCE_TYPE_BIGINT:
    case SOURCE_TYPE_DOUBLE:
    case SOURCE_TYPE_ENUM:
    case SOURCE_TYPE_SET:
        return WIRE_FIXED_8;
    case SOURCE_TYPE_DATE:
    case SOURCE_TYPE_TIME:
    case SOURCE_TYPE_DATETIME:
    case SOURCE_TYPE_TIMESTAMP:
        return WIRE_TEMPORAL;
    default:
        return WIRE_LENGTH_TEXT;
    }
}

static ResultWire field_wire(enum enum_field_types type)
{
    switch (type) {
    case MYSQL_TYPE_TINY:
        return WIRE_FIXED_1;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
        return WIRE_FIXED_2;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_FLOAT:
        return WIRE_FIXED_4;
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_DOUBLE:
        return WIRE_FIXED_8;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return WIRE_TEMPORAL;
    default:
        return WIRE_LENGTH_TEXT;
    }
}

/* Bytes of the value at `p`, and where its own bytes begin and how many they are; false when they are not there. */
static bool value_span(ResultWire wire, const uint8_t *p, const uint8_t *end, const uint8_t **bytes, size_t *len)
{
    size_t room = (size_t)(end - p), prefix = 1, size = 0;

    if (wire <= WIRE_FIXED_8) {
        *bytes = p;
        *len = (size_t)wire;
        return room >= (size_t)wire;
    }
    if (room == 0)
        return false;
    if (wire == WIRE_TEMPORAL || p[0] < 0xFB) {
        size = p[0];
    } else {
        prefix = p[0] == 0xFC ? 3 : p[0] == 0xFD ? 4 : p[0] == 0xFE ? 9 : 0;
        if (prefix == 0 || room < prefix)
            return false;
        for (size_t i = prefix - 1; i > 0; i--)
            size = size << 8 | p[i];
    }
    *bytes = p + prefix;
    *len = size;
    return room - prefix >= size;
}

/* --- Literals --- */

static uint64_t read_little_endian(const uint8_t *p, size_t len)
{
    uint64_t value = 0;

    for (size_t i = len; i > 0; i--)
        value = value << 8 | p[i - 1];
    return value;
}

static uint64_t read_big_endian(const uint8_t *p, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | p[i];
    return value;
}

static void append_integer(GString *out, bool is_unsigned, const uint8_t *bytes, size_t len)
{
    uint64_t raw = read_little_endian(bytes, len);

    if (is_unsigned)
        g_string_append_printf(out, "%" G_GUINT64_FORMAT, raw);
    else
        g_string_append_printf(out, "%" G_GINT64_FORMAT, (gint64)(raw << (64 - 8 * len)) >> (64 - 8 * len));
}

/* 17 digits name a double exactly; both servers read them back to the same double, and compare a FLOAT as one. */
static bool append_float(GString *out, const uint8_t *bytes, size_t len)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    double value;

    if (len == 4) {
        float narrow;

        memcpy(&narrow, bytes, 4);
        value = (double)narrow;
    } else {
        memcpy(&value, bytes, 8);
    }
    if (!isfinite(value))
        return false;
    g_ascii_formatd(text, sizeof text, "%.16e", value);
    g_string_append(out, text);
    return true;
}

static bool append_temporal(GString *out, const SourceColumn *column, const uint8_t *bytes, size_t len)
{
    SourceTime time = {0};

    if (column->type == SOURCE_TYPE_TIME ? !value_read_protocol_time(bytes, len, &time)
                                         : !value_read_protocol_datetime(bytes, len, &time))
        return false;
    g_string_append_c(out, '\'');
    if (column->type == SOURCE_TYPE_TIME)
        g_string_append_printf(out, "%s%02u", time.negative ? "-" : "", time.hour);
    else
        g_string_append_printf(out, "%04u-%02u-%02u", time.year, time.month, time.day);
    if (column->type == SOURCE_TYPE_DATETIME || column->type == SOURCE_TYPE_TIMESTAMP)
        g_string_append_printf(out, " %02u", time.hour);
    if (column->type != SOURCE_TYPE_DATE)
        g_string_append_printf(out, ":%02u:%02u.%06u", time.minute, time.second, time.usec);
    g_string_append_c(out, '\'');
    return true;
}

/* Names of charsets and collations, and texts of numbers and addresses, go into SQL as they are. */
static bool is_plain(const char *text, size_t len, const char *allowed)
{
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isalnum(text[i]) && strchr(allowed, text[i]) == NULL)
            return false;
    return len > 0 && memchr(text, '\0', len) == NULL;
}

static bool append_text(GString *out, const SourceColumn *column, const uint8_t *bytes, size_t len)
{
    if (column->charset == NULL || column->collation == NULL ||
        !is_plain(column->charset, strlen(column->charset), "_") ||
        !is_plain(column->collation, strlen(column->collation), "_"))
        return false;
    g_string_append_printf(out, "_%s ", column->charset);
    source_quote_bytes(out, bytes, len);
    g_string_append_printf(out, " COLLATE %s", column->collation);
    return true;
}

/* One literal that compares equal to the value, in the column's own order, and holds no comma. */
static bool append_literal(GString *out, const SourceColumn *column, const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;

    switch (column->type) {
    case SOURCE_TYPE_TINYINT:
    case SOURCE_TYPE_SMALLINT:
    case SOURCE_TYPE_MEDIUMINT:
    case SOURCE_TYPE_INT:
    case SOURCE_TYPE_BIGINT:
        append_integer(out, column->is_unsigned, bytes, len);
        return true;
    case SOURCE_TYPE_YEAR:
    case SOURCE_TYPE_ENUM:
    case SOURCE_TYPE_SET:
        append_integer(out, true, bytes, len);
        return true;
    case SOURCE_TYPE_BIT:
        g_string_append_printf(out, "%" G_GUINT64_FORMAT, read_big_endian(bytes, len));
        return len >= 1 && len <= 8;
    case SOURCE_TYPE_FLOAT:
    case SOURCE_TYPE_DOUBLE:
        return append_float(out, bytes, len);
    case SOURCE_TYPE_DECIMAL:
        g_string_append_len(out, text, (gssize)len);
        return is_plain(text, len, "-.");
    case SOURCE_TYPE_DATE:
    case SOURCE_TYPE_TIME:
    case SOURCE_TYPE_DATETIME:
    case SOURCE_TYPE_TIMESTAMP:
        return append_temporal(out, column, bytes, len);
    case SOURCE_TYPE_CHAR:
    case SOURCE_TYPE_VARCHAR:
    case SOURCE_TYPE_TEXT:
        return append_text(out, column, bytes, len);
    case SOURCE_TYPE_BINARY:
    case SOURCE_TYPE_VARBINARY:
    case SOURCE_TYPE_BLOB:
        source_quote_bytes(out, bytes, len);
        return true;
    case SOURCE_TYPE_UUID:
    case SOURCE_TYPE_INET4:
    case SOURCE_TYPE_INET6:
        g_string_append_printf(out, "'%.*s'", (int)len, text);
        return is_plain(text, len, "-.:");
    default:
        return false; /* no server makes a key of it */
    }
}

/* Literals of the key in a row, in key order. The values that stand before the last key column are walked over. */
static char *row_key(const SourceTable *table, const uint8_t *row, size_t row_len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const uint8_t *end = row + row_len, *nulls = row + 1;
    size_t head = 1 + (table->n_columns + 7 + 2) / 8; /* the header byte; NULL bits begin at bit 2 */
    g_autofree const uint8_t **places = g_new0(const uint8_t *, table->n_columns);
    const uint8_t *p = row + head, *bytes;
    unsigned last = 0;
    size_t len;

    if (row_len < head)
        return NULL;
    for (unsigned i = 0; i < table->n_key; i++)
        last = MAX(last, table->key[i]);
    for (unsigned i = 0; i <= last; i++) {
        if (nulls[(i + 2) / 8] >> ((i + 2) % 8) & 1)
            continue;
        places[i] = p;
        if (!value_span(column_wire(&table->columns[i]), p, end, &bytes, &len))
            return NULL;
        p = bytes + len;
    }
    for (unsigned i = 0; i < table->n_key; i++) {
        const SourceColumn *column = &table->columns[table->key[i]];

        if (i > 0)
            g_string_append(out, ", ");
        p = places[table->key[i]];
        if (p == NULL || !value_span(column_wire(column), p, end, &bytes, &len) ||
            !append_literal(out, column, bytes, len))
            return NULL;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* --- The statement --- */

static bool by_number(const SourceColumn *column)
{
    return column->type == SOURCE_TYPE_ENUM || column->type == SOURCE_TYPE_SET;
}

/* `| 0` gives an exact unsigned number: a SET of 64 members compared as it is becomes a negative one [tried]. */
static void append_column(GString *sql, const SourceColumn *column)
{
    g_string_append(sql, by_number(column) ? "(t." : "t.");
    source_quote_name(sql, column->name);
    if (by_number(column))
        g_string_append(sql, " | 0)");
}

/* (a, b) > (x, y) as a >= x AND (a > x OR (a = x AND b > y)): MariaDB finds its place in the index by this form, not by
 * a row constructor [EXPLAIN on 10.11]. `beyond`: '<' or '>'; `last`: the operator of the last column. */
static bool append_bound(GString *where, const SourceTable *table, const char *bound, char beyond, const char *last)
{
    g_auto(GStrv) literals = g_strsplit(bound, ", ", -1);
    unsigned n = table->n_key;

    if (g_strv_length(literals) != n)
        return false;
    g_string_append(where, where->len == 0 ? " WHERE " : " AND ");
    if (n > 1) {
        append_column(where, &table->columns[table->key[0]]);
        g_string_append_printf(where, " %c= %s AND ", beyond, literals[0]);
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        const SourceColumn *column = &table->columns[table->key[i]];

        g_string_append_c(where, '(');
        append_column(where, column);
        g_string_append_printf(where, " %c %s OR (", beyond, literals[i]);
        append_column(where, column);
        g_string_append_printf(where, " = %s AND ", literals[i]);
    }
    append_column(where, &table->columns[table->key[n - 1]]);
    g_string_append_printf(where, " %s %s", last, literals[n - 1]);
    for (unsigned i = 0; i + 1 < n; i++)
        g_string_append(where, "))");
    return true;
}

static char *range_where(const SourceTable *table, const char *after, const char *upto)
{
    g_autoptr(GString) where = g_string_new(NULL);

    if ((after != NULL && !append_bound(where, table, after, '>', ">")) ||
        (upto != NULL && !append_bound(where, table, upto, '<', "<=")))
        return NULL;
    return g_string_free(g_steal_pointer(&where), FALSE);
}

static char *keys_where(const SourceTable *table, const GPtrArray *keys)
{
    g_autoptr(GString) where = g_string_new(NULL);

    for (unsigned i = 0; i < keys->len; i++) {
        char *const *literals = keys->pdata[i];

        for (unsigned k = 0; k < table->n_key; k++) {
            g_string_append(where, k > 0 ? " AND " : i > 0 ? " OR (" : " WHERE (");
            append_column(where, &table->columns[table->key[k]]);
            g_string_append_printf(where, " = %s", literals[k]);
        }
        g_string_append_c(where, ')');
    }
    return g_string_free(g_steal_pointer(&where), FALSE);
}

static void append_from(GString *sql, const SourceTable *table, const char *where)
{
    g_string_append(sql, " FROM ");
    source_quote_table(sql, table->database, table->name);
    g_string_append(sql, " AS t");
    if (!source_table_key_is_named(table)) {
        g_string_append(sql, " FORCE INDEX (");
        source_quote_name(sql, table->key_name);
        g_string_append_c(sql, ')');
    }
    g_string_append(sql, where);
}

void source_append_key_order(GString *sql, const SourceTable *table)
{
    g_string_append(sql, " ORDER BY ");
    for (unsigned i = 0; i < table->n_key; i++) {
        g_string_append(sql, i > 0 ? ", t." : "t.");
        source_quote_name(sql, table->columns[table->key[i]].name);
    }
}

char *source_range_from(const SourceTable *table, const char *after, const char *upto)
{
    g_autofree char *where = range_where(table, after, upto);
    g_autoptr(GString) sql = g_string_new(NULL);

    if (where == NULL)
        return NULL;
    append_from(sql, table, where);
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

/* `max_rows` 0: all of them, in no order. */
static char *chunk_sql(const SourceTable *table, const char *where, uint64_t max_rows)
{
    g_autoptr(GString) sql = g_string_new("SELECT ");

    for (unsigned i = 0; i < table->n_columns; i++) {
        if (i > 0)
            g_string_append(sql, ", ");
        if (table->columns[i].excluded)
            g_string_append(sql, "NULL");
        else
            append_column(sql, &table->columns[i]);
    }
    append_from(sql, table, where);
    if (max_rows > 0) {
        source_append_key_order(sql, table);
        g_string_append_printf(sql, " LIMIT %" G_GUINT64_FORMAT, max_rows);
    }
    return g_string_free(g_steal_pointer(&sql), FALSE);
}

/* --- Reading --- */

static bool set_decode_error(ChunkReader *reader, const char *what, GError **error)
{
    reader->broken = true; /* what follows on this connection would be read at the wrong place */
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_DECODE, "%s.%s: cannot read its rows: %s", reader->table->database,
                reader->table->name, what);
    return false;
}

static bool read_packet(ChunkReader *reader, const uint8_t **packet, size_t *len, GError **error)
{
    MYSQL *mysql = source_handle(reader->source);
    unsigned long got = mysql_net_read_packet(mysql);

    if (got == packet_error) {
        g_autofree char *what = g_strdup_printf("read %s.%s", reader->table->database, reader->table->name);

        reader->open = false; /* the server's error ends the result; a lost connection ends everything */
        reader->broken = mysql_errno(mysql) >= 2000 && mysql_errno(mysql) < 3000;
        source_set_error(reader->source, what, error);
        return false;
    }
    *packet = mysql->net.read_pos;
    *len = got;
    return got > 0 || set_decode_error(reader, "an empty packet", error);
}

static bool is_end(const ChunkReader *reader, const uint8_t *packet, size_t len)
{
    bool no_eof = (source_handle(reader->source)->client_flag & CLIENT_DEPRECATE_EOF_FLAG) != 0;

    return packet[0] == 0xFE && (no_eof ? len < 0xFFFFFF : len < 9);
}

/* Each column comes in the wire form that its type in the definition has. */
static bool check_fields(ChunkReader *reader, GError **error)
{
    const SourceTable *table = reader->table;
    MYSQL_RES *result = mysql_stmt_result_metadata(reader->statement);
    bool fits = result != NULL && mysql_num_fields(result) == table->n_columns;
    unsigned wrong = 0;

    for (unsigned i = 0; fits && i < table->n_columns; i++) {
        fits = table->columns[i].excluded ||
               field_wire(mysql_fetch_field_direct(result, i)->type) == column_wire(&table->columns[i]);
        wrong = i;
    }
    if (result != NULL)
        mysql_free_result(result);
    if (fits)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                "%s.%s: its columns are not as they were read before (column %s): resync the table", table->database,
                table->name, table->columns[wrong].name);
    return false;
}

/* The packet that begins a result: how many columns, and whether their definitions follow. */
static bool read_column_count(ChunkReader *reader, bool *definitions, GError **error)
{
    const uint8_t *packet;
    size_t len, used = 1, count;

    if (!read_packet(reader, &packet, &len, error))
        return false;
    count = packet[0];
    if (packet[0] == 0xFC && len >= 3) {
        count = (size_t)packet[1] | (size_t)packet[2] << 8;
        used = 3;
    }
    if (count != reader->table->n_columns || (packet[0] >= 0xFB && used == 1))
        return set_decode_error(reader, "another number of columns than asked for", error);
    *definitions = len == used || packet[used] != 0;
    return true;
}

/* Sends COM_STMT_EXECUTE (statement id, no cursor, once, no parameters) and reads up to the first row. */
static bool execute(ChunkReader *reader, GError **error)
{
    MYSQL *mysql = source_handle(reader->source);
    unsigned long id = reader->statement->stmt_id;
    const char request[9] = {(char)id, (char)(id >> 8), (char)(id >> 16), (char)(id >> 24), 0, 1, 0, 0, 0};
    const uint8_t *packet;
    bool definitions = false;
    size_t len;

    if (mysql->methods->db_command(mysql, COM_STMT_EXECUTE, request, sizeof request, 1, NULL) != 0) {
        reader->broken = true;
        source_set_error(reader->source, "read from the source", error);
        return false;
    }
    if (!read_column_count(reader, &definitions, error))
        return false;
    for (unsigned i = 0; definitions && i < reader->table->n_columns; i++)
        if (!read_packet(reader, &packet, &len, error))
            return false;
    reader->open = true;
    if ((mysql->client_flag & CLIENT_DEPRECATE_EOF_FLAG) != 0)
        return true;
    return read_packet(reader, &packet, &len, error) &&
           (is_end(reader, packet, len) || set_decode_error(reader, "no end of the column definitions", error));
}

/* In a transaction that is begun. */
static bool begin_reading(ChunkReader *reader, const char *sql, GError **error)
{
    const SourceTable *table = reader->table;

    reader->statement = mysql_stmt_init(source_handle(reader->source));
    g_assert(reader->statement != NULL);
    if (mysql_stmt_prepare(reader->statement, sql, strlen(sql)) != 0) {
        g_autofree char *what = g_strdup_printf("read %s.%s", table->database, table->name);

        reader->broken = mysql_stmt_errno(reader->statement) >= 2000 && mysql_stmt_errno(reader->statement) < 3000;
        source_set_statement_error(reader->source, reader->statement, what, error);
        return false;
    }
    return check_fields(reader, error) && execute(reader, error);
}

static char *chunk_statement(const SourceTable *table, const char *after, const char *upto, uint64_t max_rows, GError **error)
{
    g_assert(table->n_key > 0 && max_rows > 0);
    g_autofree char *where = range_where(table, after, upto);
    if (where == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: its key is not that of the saved key ranges: resync the table", table->database,
                    table->name);
    return where != NULL ? chunk_sql(table, where, max_rows) : NULL;
}

static ChunkReader *reader_new(SourceConnection *source, const SourceTable *table, bool lent)
{
    ChunkReader *reader = g_new0(ChunkReader, 1);

    reader->source = source;
    reader->table = source_table_ref((SourceTable *)table);
    reader->last = g_malloc(KEEP_ROW_BYTES);
    reader->lent = lent;
    return reader;
}

ChunkReader *chunk_reader_open(SourceConnection *source, const SourceTable *table, const char *after, const char *upto,
                               uint64_t max_rows, const char *log_file, uint64_t log_pos, Cancel *cancel,
                               GError **error)
{
    g_autofree char *sql = chunk_statement(table, after, upto, max_rows, error);
    g_autoptr(ChunkReader) reader = sql != NULL ? reader_new(source, table, false) : NULL;

    if (reader == NULL || !snapshot_begin(source, log_file, log_pos, cancel, error) || !begin_reading(reader, sql, error))
        return NULL;
    return g_steal_pointer(&reader);
}

ChunkReader *chunk_reader_open_within(SourceConnection *source, const SourceTable *table, const char *after, uint64_t max_rows,
                                      GError **error)
{
    g_autofree char *sql = chunk_statement(table, after, NULL, max_rows, error);
    g_autoptr(ChunkReader) reader = sql != NULL ? reader_new(source, table, true) : NULL;

    if (reader == NULL || !begin_reading(reader, sql, error))
        return NULL;
    return g_steal_pointer(&reader);
}

ChunkReader *chunk_reader_open_keys(SourceConnection *source, const SourceTable *table, const GPtrArray *keys,
                                    const char *log_file, uint64_t log_pos, Cancel *cancel, GError **error)
{
    g_autofree char *where = keys_where(table, keys), *sql = chunk_sql(table, where, 0);
    g_autoptr(ChunkReader) reader = reader_new(source, table, false);

    g_assert(table->n_key > 0 && keys->len > 0);
    if (!snapshot_begin(source, log_file, log_pos, cancel, error) || !begin_reading(reader, sql, error))
        return NULL;
    return g_steal_pointer(&reader);
}

int chunk_reader_next(ChunkReader *reader, const uint8_t **packet, size_t *len, GError **error)
{
    if (!reader->open)
        return 0;
    if (!read_packet(reader, packet, len, error))
        return -1;
    if (G_UNLIKELY((*packet)[0] != 0)) {
        reader->open = false;
        if (is_end(reader, *packet, *len))
            return 0;
        set_decode_error(reader, "a row that does not begin with 0x00", error);
        return -1;
    }
    reader->has_row = true;
    /* The packet that ends the result overwrites the row in the network buffer, so the row is kept: a copy of 200 bytes
     * costs about 5 ns, and a large row is not copied but its key taken at once. */
    if (G_LIKELY(*len <= KEEP_ROW_BYTES)) {
        memcpy(reader->last, *packet, *len);
        reader->last_len = *len;
    } else {
        g_free(reader->last_key);
        reader->last_key = row_key(reader->table, *packet, *len);
        reader->last_len = 0;
    }
    return 1;
}

char *chunk_reader_key(ChunkReader *reader, GError **error)
{
    char *key = NULL;

    g_assert(reader->has_row);
    key = reader->last_len > 0 ? row_key(reader->table, reader->last, reader->last_len) : g_strdup(reader->last_key);
    if (key == NULL)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_TABLE,
                    "%s.%s: a value of its key (%s) cannot be written as a literal: exclude the table",
                    reader->table->database, reader->table->name,
                    source_table_key_is_named(reader->table) ? "setting key" : reader->table->key_name);
    return key;
}

void chunk_reader_free(ChunkReader *reader)
{
    const uint8_t *packet;
    size_t len;

    if (reader == NULL)
        return;
    while (reader->open && !reader->broken) /* what the server has already begun to send */
        if (!read_packet(reader, &packet, &len, NULL) || is_end(reader, packet, len))
            reader->open = false;
    if (reader->statement != NULL)
        mysql_stmt_close(reader->statement);
    if (reader->broken)
        source_shutdown(reader->source); /* nothing may be read from it by mistake: later calls fail at once */
    else if (!reader->lent)
        source_exec(reader->source, "ROLLBACK", NULL);
    source_table_unref(reader->table);
    g_free(reader->last);
    g_free(reader->last_key);
    g_free(reader);
}

bool source_key_bounds(SourceConnection *source, const SourceTable *table, char **min, char **max, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT MIN(");
    g_autoptr(SourceRows) rows = NULL;
    const SourceColumn *column;

    *min = *max = NULL;
    if (table->n_key != 1)
        return true;
    column = &table->columns[table->key[0]];
    if (column->type < SOURCE_TYPE_TINYINT || column->type > SOURCE_TYPE_BIGINT)
        return true;
    source_quote_name(sql, column->name);
    g_string_append(sql, "), MAX(");
    source_quote_name(sql, column->name);
    g_string_append(sql, ") FROM ");
    source_quote_table(sql, table->database, table->name);
    rows = source_query(source, sql->str, error);
    if (rows == NULL)
        return false;
    *min = g_strdup(source_rows_get(rows, 0, 0));
    *max = g_strdup(source_rows_get(rows, 0, 1));
    return true;
}
