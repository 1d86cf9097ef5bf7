/* screen_journal.c - what happened, newest first: the engine's stored entries and those that came since. */
#include <string.h>

#include "control/protocol.h"
#include "format.h"
#include "screen.h"
#include "table.h"

#define JOURNAL_LIMIT 1000
#define DETAIL_ROWS   3 /* the whole text of the entry under the cursor */

typedef struct {
    int64_t id, at;
    char *pipe, *actor, *text, *position;
} Entry;

typedef struct {
    Screen screen;
    char *pipe;         /* NULL: all */
    GPtrArray *entries; /* Entry, oldest first */
    GPtrArray *rows;    /* those shown, newest first; borrowed */
    int64_t selected;   /* id of the entry under the cursor; 0: follow the newest */
    TableCursor cursor;
    int page;
    bool loaded;
    LineEdit filter;
    bool typing;
} JournalScreen;

static JournalScreen *self(Screen *screen)
{
    return (JournalScreen *)screen;
}

static void entry_free(void *data)
{
    Entry *entry = data;
    g_free(entry->pipe);
    g_free(entry->actor);
    g_free(entry->text);
    g_free(entry->position);
    g_free(entry);
}

static int64_t entry_time(const json_t *value)
{
    if (json_is_integer(value))
        return json_integer_value(value);
    if (!json_is_string(value))
        return VIEW_UNKNOWN;
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(json_string_value(value), NULL);
    return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time) : VIEW_UNKNOWN;
}

static bool has_entry(const JournalScreen *screen, int64_t id)
{
    for (guint i = screen->entries->len; i-- > 0;)
        if (((const Entry *)screen->entries->pdata[i])->id == id)
            return true;
    return false;
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
    const Entry *x = *(Entry *const *)a, *y = *(Entry *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

static void add_entry(JournalScreen *screen, Entry entry)
{
    if (screen->pipe && g_strcmp0(screen->pipe, entry.pipe) != 0)
        return;
    if (has_entry(screen, entry.id))
        return;
    Entry *own = g_new0(Entry, 1);
    *own = (Entry){.id = entry.id,
                   .at = entry.at,
                   .pipe = g_strdup(entry.pipe),
                   .actor = g_strdup(entry.actor),
                   .text = g_strdup(entry.text),
                   .position = g_strdup(entry.position)};
    g_ptr_array_add(screen->entries, own);
}

/* Entries that came with the newest view. */
static void take_news(JournalScreen *screen, const View *view)
{
    guint before = screen->entries->len;
    for (unsigned i = 0; view && i < view->n_journal; i++) {
        const ViewJournalEntry *news = &view->journal[i];
        add_entry(screen, (Entry){.id = news->id,
                                  .at = news->at,
                                  .pipe = news->pipe,
                                  .actor = news->actor,
                                  .text = news->text,
                                  .position = news->position});
    }
    if (screen->entries->len != before)
        g_ptr_array_sort(screen->entries, compare_entries);
}

static void loaded(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag)
{
    JournalScreen *screen = self(owner);
    (void)tag;
    screen->loaded = true;
    if (error) {
        ui_say(ui, STYLE_LOST, NULL, "%s", error->message);
        return;
    }
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(answer, "entries"), i, item)
    {
        add_entry(screen, (Entry){.id = json_integer_value(json_object_get(item, "id")),
                                  .at = entry_time(json_object_get(item, "at")),
                                  .pipe = (char *)json_string_value(json_object_get(item, "pipe")),
                                  .actor = (char *)json_string_value(json_object_get(item, "actor")),
                                  .text = (char *)json_string_value(json_object_get(item, "text")),
                                  .position = (char *)json_string_value(json_object_get(item, "position"))});
    }
    g_ptr_array_sort(screen->entries, compare_entries);
}

static void arrange(JournalScreen *screen)
{
    g_ptr_array_set_size(screen->rows, 0);
    for (guint i = screen->entries->len; i-- > 0;) {
        Entry *entry = screen->entries->pdata[i];
        if (part_matches(screen->filter.text->str, entry->text) || part_matches(screen->filter.text->str, entry->pipe))
            g_ptr_array_add(screen->rows, entry);
    }
    if (!screen->selected) {
        screen->cursor.cursor = 0;
        return;
    }
    for (guint i = 0; i < screen->rows->len; i++)
        if (((const Entry *)screen->rows->pdata[i])->id == screen->selected) {
            int moved =
                (int)i - screen->cursor.cursor; /* new entries above: the list moves under a cursor that stays */
            screen->cursor.cursor += moved;
            screen->cursor.top = MAX(screen->cursor.top + moved, 0);
        }
}

enum { WHEN, PIPE, ACTOR, TEXT, N_COLUMNS };

static void journal_draw(Screen *base, const Ui *ui, Canvas *canvas)
{
    JournalScreen *screen = self(base);
    take_news(screen, ui->view);
    arrange(screen);
    g_autofree char *where = screen->pipe ? g_strdup_printf("%s › journal", screen->pipe) : g_strdup("journal");
    part_head(ui, canvas, where, NULL, STYLE_TEXT, NULL);
    int n = (int)screen->rows->len;
    int detail = canvas->rows >= 18 ? DETAIL_ROWS + 1 : 0;
    screen->page = canvas->rows - SCREEN_HEAD - SCREEN_FOOT - 1 - detail;
    table_keep_visible(&screen->cursor, n, screen->page);
    TableColumn columns[N_COLUMNS] = {
        [WHEN] = {.title = "WHEN", .width = canvas->cols >= 110 ? 19 : 8},
        [PIPE] = {.title = "PIPE", .width = 8},
        [ACTOR] = {.title = "BY", .width = 8, .drop = 1},
        [TEXT] = {.title = "WHAT", .width = 30, .flex = true},
    };
    for (int i = 0; i < n; i++) {
        const Entry *entry = screen->rows->pdata[i];
        columns[PIPE].width = MAX(columns[PIPE].width, entry->pipe ? canvas_text_width(canvas, entry->pipe) : 6);
    }
    columns[PIPE].width = MIN(columns[PIPE].width, canvas->cols / 6);
    if (screen->pipe) {
        columns[PIPE].drop = 2;
        columns[TEXT].width = canvas->cols - 4 - columns[WHEN].width - columns[ACTOR].width - 2 * TABLE_GAP;
    }
    if (screen->pipe)
        columns[ACTOR].drop = 3;
    TableLayout at = table_layout(columns, N_COLUMNS, 3, canvas->cols - 4);
    table_head(canvas, SCREEN_HEAD, &at, columns);
    int64_t now = ui->view ? ui->view->at : 0;
    for (int i = 0; i < screen->page && screen->cursor.top + i < n; i++) {
        int index = screen->cursor.top + i, row = SCREEN_HEAD + 1 + i;
        const Entry *entry = screen->rows->pdata[index];
        char when[FORMAT_MAX];
        if (index == screen->cursor.cursor)
            canvas_text(canvas, row, 1, 1, STYLE_TITLE, "▸");
        table_cell(canvas, row, &at, WHEN, STYLE_DIM,
                   at.width[WHEN] >= 19 ? format_date(when, entry->at) : format_when(when, entry->at, now));
        table_cell(canvas, row, &at, PIPE, STYLE_TEXT, entry->pipe ? entry->pipe : "engine");
        table_cell(canvas, row, &at, ACTOR, STYLE_TEXT, entry->actor ? entry->actor : "");
        table_cell(canvas, row, &at, TEXT, STYLE_TEXT, entry->text ? entry->text : "");
        if (index == screen->cursor.cursor)
            canvas_emphasise(canvas, row, STYLE_TITLE);
    }
    if (!n)
        canvas_text(canvas, SCREEN_HEAD + 1, 3, canvas->cols - 4, STYLE_DIM,
                    screen->filter.text->len ? "nothing has that in it"
                    : screen->loaded         ? "nothing has happened yet"
                                             : "reading");
    canvas->cursor_row = SCREEN_HEAD + 1 + screen->cursor.cursor - screen->cursor.top;
    canvas->cursor_col = 1;
    if (detail) {
        int row = canvas->rows - SCREEN_FOOT - detail;
        canvas_rule(canvas, row);
        table_position(canvas, row, &screen->cursor, n, screen->page);
        if (n) {
            const Entry *entry = screen->rows->pdata[screen->cursor.cursor];
            g_autofree char *whole =
                g_strdup_printf("%s%s%s", entry->text ? entry->text : "", entry->position ? "   at " : "",
                                entry->position ? entry->position : "");
            canvas_wrapped(canvas, row + 1, 1, canvas->cols - 2, DETAIL_ROWS, STYLE_TEXT, whole);
        }
    }
    part_filter(canvas, &screen->filter, screen->typing);
}

static bool journal_key(Screen *base, Ui *ui, int key)
{
    JournalScreen *screen = self(base);
    (void)ui;
    if (key == KEYCODE_ESC && !screen->typing && screen->filter.text->len) {
        line_edit_set(&screen->filter, "");
        return true;
    }
    return part_filter_key(&screen->filter, &screen->typing, key);
}

static bool journal_act(Screen *base, Ui *ui, KeyAction action)
{
    JournalScreen *screen = self(base);
    (void)ui;
    arrange(screen);
    if (table_move(&screen->cursor, action, (int)screen->rows->len, screen->page)) {
        bool newest = screen->cursor.cursor == 0 || !screen->rows->len;
        screen->selected = newest ? 0 : ((const Entry *)screen->rows->pdata[screen->cursor.cursor])->id;
        return true;
    }
    if (action != ACTION_FILTER)
        return false;
    screen->typing = true;
    return true;
}

static const Entry *marked_entry(const JournalScreen *screen)
{
    int cursor = screen->cursor.cursor;
    return cursor < (int)screen->rows->len ? screen->rows->pdata[cursor] : NULL;
}

static CommandSubject journal_subject(Screen *base, const Ui *ui)
{
    const JournalScreen *screen = self(base);
    const Entry *entry = marked_entry(screen);
    (void)ui;
    return (CommandSubject){.pipe = screen->pipe ? screen->pipe : entry ? entry->pipe : NULL};
}

static char *journal_copy(Screen *base, const Ui *ui, const char **what)
{
    const Entry *entry = marked_entry(self(base));
    char when[FORMAT_MAX], zone[FORMAT_MAX];
    (void)ui;
    *what = "the entry";
    return entry ? g_strdup_printf("%s %s %s: %s\n", format_date(when, entry->at), format_zone(zone, entry->at),
                                   entry->pipe ? entry->pipe : "engine", entry->text ? entry->text : "")
                 : NULL;
}

static void journal_free(Screen *base)
{
    JournalScreen *screen = self(base);
    g_free(screen->pipe);
    g_ptr_array_unref(screen->rows);
    g_ptr_array_unref(screen->entries);
    line_edit_clear(&screen->filter);
    g_free(screen);
}

Screen *screen_journal_new(Ui *ui, const char *pipe)
{
    static const ScreenOps ops = {.place = KEYS_JOURNAL,
                                  .draw = journal_draw,
                                  .act = journal_act,
                                  .key = journal_key,
                                  .subject = journal_subject,
                                  .copy = journal_copy,
                                  .free = journal_free};
    JournalScreen *screen = g_new0(JournalScreen, 1);
    screen->screen.ops = &ops;
    screen->pipe = g_strdup(pipe);
    screen->entries = g_ptr_array_new_with_free_func(entry_free);
    screen->rows = g_ptr_array_new();
    line_edit_init(&screen->filter, "");
    json_t *request = protocol_request("log");
    if (pipe)
        json_object_set_new(request, "name", json_string(pipe));
    json_object_set_new(request, "limit", json_integer(JOURNAL_LIMIT));
    ui_request(ui, request, &screen->screen, loaded, 0);
    return &screen->screen;
}
