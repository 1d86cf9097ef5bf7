#include "catalog/database.h"
#include "base/base.h"

#include <string.h>

#define ENTRY_OVERHEAD 48 /* bytes of an entry beside its texts: numbers, row and index headers */

void catalog_journal_entry_free(CatalogJournalEntry *entry)
{
    if (entry == NULL)
        return;
    g_free(entry->pipe);
    g_free(entry->actor);
    g_free(entry->kind);
    g_free(entry->text);
    g_free(entry->position);
    g_free(entry);
}

static void free_element(gpointer entry)
{
    catalog_journal_entry_free(entry);
}

static size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

bool journal_insert(Catalog *catalog, const CatalogJournalEntry *entry, GError **error)
{
    int64_t at = entry->at != 0 ? entry->at : clock_real_usec();
    size_t size = ENTRY_OVERHEAD + 2 * text_size(entry->pipe) + text_size(entry->actor) + text_size(entry->kind) +
                  text_size(entry->text) + text_size(entry->position);
    return database_run(
        catalog, error,
        "INSERT INTO journal (at, pipe, actor, kind, text, position, size) VALUES (?, ?, ?, ?, ?, ?, ?)", "isssssi", at,
        entry->pipe, entry->actor != NULL ? entry->actor : "engine", entry->kind != NULL ? entry->kind : "note",
        entry->text != NULL ? entry->text : "", entry->position, (int64_t)size);
}

bool catalog_journal_add(Catalog *catalog, const CatalogJournalEntry *entry, GError **error)
{
    return journal_insert(catalog, entry, error);
}

GPtrArray *catalog_journal(Catalog *catalog, const char *pipe, int64_t after_id, unsigned limit, GError **error)
{
    sqlite3_stmt *row =
        pipe != NULL ? database_query(catalog, error,
                                      "SELECT * FROM (SELECT id, at, pipe, actor, kind, text, position FROM journal"
                                      " WHERE pipe = ? AND id > ? ORDER BY id DESC LIMIT ?) ORDER BY id",
                                      "sii", pipe, after_id, (int64_t)limit)
                     : database_query(catalog, error,
                                      "SELECT * FROM (SELECT id, at, pipe, actor, kind, text, position FROM journal"
                                      " WHERE id > ? ORDER BY id DESC LIMIT ?) ORDER BY id",
                                      "ii", after_id, (int64_t)limit);
    if (row == NULL)
        return NULL;
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_element);
    int step;
    while ((step = database_step(catalog, row, error)) > 0) {
        CatalogJournalEntry *entry = g_new0(CatalogJournalEntry, 1);
        entry->id = sqlite3_column_int64(row, 0);
        entry->at = sqlite3_column_int64(row, 1);
        entry->pipe = database_text(row, 2);
        entry->actor = database_text(row, 3);
        entry->kind = database_text(row, 4);
        entry->text = database_text(row, 5);
        entry->position = database_text(row, 6);
        g_ptr_array_add(entries, entry);
    }
    return step == 0 ? g_steal_pointer(&entries) : NULL;
}

bool catalog_journal_size(Catalog *catalog, uint64_t *bytes, GError **error)
{
    sqlite3_stmt *row = database_query(catalog, error, "SELECT coalesce(sum(size), 0) FROM journal", "");
    if (row == NULL || database_step(catalog, row, error) != 1)
        return false;
    *bytes = database_uint(row, 0);
    sqlite3_reset(row);
    return true;
}

bool catalog_journal_trim(Catalog *catalog, uint64_t max_bytes, GError **error)
{
    return database_run(catalog, error,
                        "DELETE FROM journal WHERE id <= (SELECT max(id) FROM"
                        " (SELECT id, sum(size) OVER (ORDER BY id DESC) AS total FROM journal) WHERE total > ?)",
                        "i", (int64_t)MIN(max_bytes, (uint64_t)INT64_MAX));
}
