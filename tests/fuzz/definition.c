/* definition.c - prints a table as the fuzz targets want it: its definition as the catalog keeps it, then a line of
 * hexadecimal digits for each row of a result.
 *
 * usage: definition URL DATABASE TABLE
 */
#include "mysql/ranges.h"
#include "mysql/table.h"

#include <stdio.h>
#include <stdlib.h>

static void print_definition(const SourceTable *table)
{
    json_t *json = source_table_to_json(table);
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
    puts(text);
    free(text);
    json_decref(json);
}

static bool print_rows(SourceConnection *source, const SourceTable *table, GError **error)
{
    g_autoptr(ChunkReader) reader = chunk_reader_open(source, table, NULL, NULL, 1000, NULL, 0, NULL, error);
    const uint8_t *packet;
    size_t len;
    int more = reader ? 1 : -1;
    while (more == 1 && (more = chunk_reader_next(reader, &packet, &len, error)) == 1) {
        for (size_t i = 0; i < len; i++)
            printf("%02x", packet[i]);
        putchar('\n');
    }
    return more == 0;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (argc != 4)
        return fprintf(stderr, "usage: definition URL DATABASE TABLE\n"), 2;
    g_autoptr(Url) url = source_url_parse(argv[1], &error);
    g_autoptr(SourceConnection) source = url ? source_open(url, NULL, &error) : NULL;
    g_autoptr(SourceTable) table = source ? source_table_read(source, argv[2], argv[3], &error) : NULL;
    if (table) {
        print_definition(table);
        if (table->n_key && print_rows(source, table, &error))
            return 0;
    }
    fprintf(stderr, "%s\n", error ? error->message : "the table has no key");
    return 1;
}
