/* screen.h - what a screen is, and what it may ask of the dashboard around it.
 *
 * A screen draws the newest view on a canvas and acts on keys. It never blocks, never sees a terminal, and learns
 * answers of the engine through a callback.
 */
#ifndef SLUICE_UI_SCREEN_H
#define SLUICE_UI_SCREEN_H

#include "command_line.h"
#include "control/view.h"
#include "dialog.h"
#include "keys.h"
#include "theme.h"
#include "ui.h"

/* Heads take two rows, feet two: a rule and the keys. */
#define SCREEN_HEAD 2
#define SCREEN_FOOT 2

typedef struct Ui Ui;
typedef struct Screen Screen;

typedef struct {
    KeysPlace place;
    void (*draw)(Screen *screen, const Ui *ui, Canvas *canvas);
    /* True: done. What no screen takes (quit, redraw, help) the dashboard does itself. */
    bool (*act)(Screen *screen, Ui *ui, KeyAction action);
    /* May be NULL. A key before it is looked up, for fields to type into. True: taken. */
    bool (*key)(Screen *screen, Ui *ui, int key);
    /* May be NULL: all actions of the keymap make sense now. */
    bool (*can)(const Screen *screen, const Ui *ui, KeyAction action);
    void (*tick)(Screen *screen, Ui *ui, int64_t now); /* at `wake_at`; may be NULL */
    /* May be NULL. What the cursor stands on, for the command line. */
    CommandSubject (*subject)(Screen *screen, const Ui *ui);
    /* May be NULL. What `y` copies here, and in *what its name; NULL: nothing. Free with g_free. */
    char *(*copy)(Screen *screen, const Ui *ui, const char **what);
    void (*free)(Screen *screen);
} ScreenOps;

struct Screen {
    const ScreenOps *ops;
    int64_t wake_at; /* monotonic µs at which `tick` is due; 0: never */
};

/* What screens read. Only ui.c changes it. */
struct Ui {
    const UiOptions *options;
    Theme theme;
    Keymap *keys;
    View *view;     /* the newest; NULL before the first one came */
    bool silent;    /* no news for 3 s */
    bool connected; /* false: the engine is gone, the view is the last known */
    bool recorded;  /* there is no engine: the view is of a recording */
    bool ended;     /* and it is the last one */
};

/* -- asking the dashboard (ui.c) -- */
void ui_push(Ui *ui, Screen *screen_take);
void ui_pop(Ui *ui);
/* A line above the keys, and the shell command that does the same (may be NULL), until the next key. */
void ui_say(Ui *ui, Style style, const char *command, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* A text in a box over the screen, until Esc; `note` stands at its foot. */
void ui_show(Ui *ui, const char *title, const char *note, const char *text);
void ui_suspend(Ui *ui);
void ui_quit(Ui *ui);

/* `answer` is NULL when there is an error without one (the engine is gone). Not called once `owner` is closed. */
typedef void UiAnswer(Ui *ui, Screen *owner, const json_t *answer, const GError *error, int tag);
void ui_request(Ui *ui, json_t *request_take, Screen *owner, UiAnswer *done, int tag);
/* The same for what belongs to no screen; `data` is freed after the answer, or when the dashboard ends without one. */
typedef void UiAnswerWith(Ui *ui, const GError *error, int tag, void *data);
void ui_request_with(Ui *ui, json_t *request_take, UiAnswerWith *done, int tag, void *data, GDestroyNotify free_data);

/* `done` is called when the question was answered by a choice, with its number, or by the name (0). */
typedef void UiConfirmed(Ui *ui, int choice, void *data);
void ui_ask(Ui *ui, Dialog *dialog_take, UiConfirmed *done, void *data, GDestroyNotify free_data);

/* -- actions on pipes, the same from every screen (actions.c) -- */
bool action_possible(const ViewPipe *pipe, KeyAction action);
void action_refused(Ui *ui, const ViewPipe *pipe, KeyAction action); /* says why it is not possible */
bool action_resumes(const ViewPipe *pipe);                           /* what ACTION_PAUSE would do */
bool action_begins_anew(const ViewPipe *pipe);                       /* a resync does not go on where the pipe is */
bool action_is_ours(KeyAction action);
/* True when it was one of the pipe's actions. */
bool action_run(Ui *ui, const ViewPipe *pipe, KeyAction action);
/* The same for one table of it; what is not a table's action is the pipe's. */
bool action_run_table(Ui *ui, const ViewPipe *pipe, const ViewTable *table, KeyAction action);
/* For several (of const ViewTable *); none: for the pipe. */
bool action_run_tables(Ui *ui, const ViewPipe *pipe, const GPtrArray *tables, KeyAction action);
/* For several pipes (of const ViewPipe *), asked about once: those that refuse are told by name (actions_marked.c). */
bool action_run_pipes(Ui *ui, const GPtrArray *pipes, KeyAction action);
/* `sluice WORDS`, with --state-dir where it is not the default. Free with g_free. */
char *action_command(const Ui *ui, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A word as a shell reads it, quoted only where it must be. Free with g_free. */
char *action_word(const char *word);
/* The errors of a pipe and its tables in words, to be copied; NULL: there are none. `table`: of that one alone. */
char *action_errors(const ViewPipe *pipe, const ViewTable *table);

/* -- drawing that screens share (parts.c) -- */
/* `right` (may be NULL) stands before the clock. Returns the column at which the right side begins. */
int part_head(const Ui *ui, Canvas *canvas, const char *where, const char *middle, Style middle_style,
              const char *right);
/* A filter being typed, or holding, on the rule under the head. */
void part_filter(Canvas *canvas, LineEdit *filter, bool typing);
/* Keys for a filter that is being typed. True: taken. */
bool part_filter_key(LineEdit *filter, bool *typing, int key);
/* A URL without its parameters, which say where passwords are. Free with g_free. */
char *part_url(const char *url);
/* Newest first, of one pipe (NULL: all). */
void part_journal(const Ui *ui, Canvas *canvas, int row, int rows, const char *pipe);
/* How many lines it gets on a screen of this height; 0: none. */
int part_journal_rows(const Ui *ui, const Canvas *canvas, const char *pipe);
const char *part_symbol(const ViewPipe *pipe);
Style part_style(const ViewPipe *pipe);
const char *part_headroom(char out[], const ViewPipe *pipe, Style *style); /* `out`: FORMAT_MAX */
const char *part_lag(char out[], const ViewPipe *pipe);
const char *part_behind(char out[], const ViewPipe *pipe);
const char *part_rate(char out[], const ViewPipe *pipe);
double part_share(const ViewPipe *pipe); /* of the snapshot, 0..1; -1 unknown */
/* What the pipe wants to say, in one line. Free with g_free. */
char *part_note(const Ui *ui, const ViewPipe *pipe, Style *style);
/* "code 252: Too many parts": side, code and text of an error in one line. Free with g_free. */
char *part_stalled(const Ui *ui, const ViewStalled *stalled);
const char *part_since(char out[], const Ui *ui, int64_t since); /* age, as in "11m" */
/* A filter matches names without regard to case; an empty one all. */
bool part_matches(const char *filter, const char *name);

/* -- the screens -- */
Screen *screen_pipes_new(void);
Screen *screen_pipe_new(const char *name);
Screen *screen_pipe_choose_new(const char *name);                      /* to mark tables that are to be resynced */
Screen *screen_table_new(Ui *ui, const char *pipe, const char *table); /* table: as the view names it */
Screen *screen_add_new(Ui *ui, const char *pipe);                      /* tables to a pipe */
Screen *screen_new_new(const Ui *ui);
/* Of a pipe (NULL: of the engine); `table` (may be NULL): where the operator came from. */
Screen *screen_settings_new(Ui *ui, const char *pipe, const char *table);
/* Of a pipe that is not created yet: changes go into `draft` (name -> value), and its form, which is below, is told. */
typedef void SettingsChanged(Screen *form);
Screen *screen_settings_draft_new(Ui *ui, json_t *draft, SettingsChanged *changed, Screen *form);
Screen *screen_incident_new(const char *name);
Screen *screen_journal_new(Ui *ui, const char *pipe); /* NULL: of all */
Screen *screen_verify_new(const char *name);
Screen *screen_help_new(KeysPlace place);

#endif
