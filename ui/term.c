#define NCURSES_WIDECHAR 1
#include "term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/error.h"
#include "keys.h"

#define ESC_DELAY_MS 25  /* how long the bytes of one key may be apart; slow lines send them in one packet */
#define SYNC_ABOVE   200 /* bytes of a frame: below it there is nothing to flicker */
#define EMPTY_READS  3   /* reads that give no key though there is something to read: the end of the file */

struct Term {
    Theme theme;
    SCREEN *screen;
    CanvasCell *painted; /* what the terminal shows; NULL: unknown */
    int painted_rows, painted_cols;
    int empty_reads;
    int click_row;
    bool synchronised; /* it shows a frame at once that stands between two marks, and has said so */
    bool answered;
    unsigned n_held; /* characters of an answer that comes in pieces */
    int held_value;  /* and the digit in it */
    int sequence;    /* what came last of a key that is not known: Esc, [ or O; 0: in none */
};

static const int handled[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGHUP, SIGTERM, SIGINT};
static int signal_pipe[2] = {-1, -1}; /* a signal handler reaches nothing but globals */

static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    if (write(signal_pipe[1], &byte, 1) < 0)
        errno = 0; /* full: the reader is about to wake anyway */
    errno = saved;
}

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    for (gsize i = 0; i < G_N_ELEMENTS(handled); i++)
        sigaddset(set, handled[i]);
}

void term_block_signals(void)
{
    sigset_t set;
    signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void handle(int number, bool ours)
{
    struct sigaction action = {.sa_handler = ours ? on_signal : SIG_DFL, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static bool install_signals(GError **error)
{
    if (!g_unix_open_pipe(signal_pipe, FD_CLOEXEC, error) || !g_unix_set_fd_nonblocking(signal_pipe[0], TRUE, error) ||
        !g_unix_set_fd_nonblocking(signal_pipe[1], TRUE, error))
        return false;
    for (gsize i = 0; i < G_N_ELEMENTS(handled); i++)
        handle(handled[i], true);
    signal(SIGTTOU, SIG_IGN);
    sigset_t set;
    signal_set(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return true;
}

/* Curses has sent all it had (refresh), so that this stands between two frames; it moves no cursor. */
static bool send_all(const char *bytes, gsize len)
{
    while (len > 0) {
        ssize_t sent = write(STDOUT_FILENO, bytes, len);
        if (sent < 0 && errno != EINTR)
            return false;
        bytes += MAX(sent, 0);
        len -= (gsize)MAX(sent, 0);
    }
    return true;
}

/* -- synchronised output: mode 2026 -- */

#define SYNC_ASK   "\033[?2026$p"
#define SYNC_BEGIN "\033[?2026h"
#define SYNC_END   "\033[?2026l"
#define SYNC_HEAD  "\033[?2026;" /* of the answer, then a digit and: */
#define SYNC_TAIL  "$y"
#define SYNC_KEY   (KEY_MAX + 1) /* the answer as a key of curses, and how many there are: */
#define SYNC_KEYS  5             /* unknown, set, reset, and both for good */

static void take_sync_answer(Term *term, int value)
{
    term->answered = true;
    term->n_held = 0;
    term->sequence = 0;
    term->synchronised = value == 1 || value == 2;
}

/* Asked once and never waited for. Terminals with an alternate screen drop a question that they do not know; of others
 * some would show its last letter. */
static void ask_for_sync(Term *term)
{
    const char *alternate = tigetstr("smcup");
    if (!alternate || alternate == (const char *)-1) {
        term->answered = true;
        return;
    }
    for (int value = 0; value < SYNC_KEYS; value++) {
        g_autofree char *answer = g_strdup_printf(SYNC_HEAD "%d" SYNC_TAIL, value);
        define_key(answer, SYNC_KEY + value);
    }
    refresh(); /* to the alternate screen, which the first frame clears */
    send_all(SYNC_ASK, strlen(SYNC_ASK));
}

/* What comes slower than the bytes of a key is no key to curses: the answer's characters are then taken one by one.
 * True: taken. Others that have been held go back, to be read as what they are. */
static bool hold_answer(Term *term, int status, wint_t code)
{
    static const char head[] = SYNC_HEAD, tail[] = SYNC_TAIL;
    const unsigned digit = sizeof head - 1, last = digit + sizeof tail - 1;
    unsigned at = term->n_held;
    if (term->answered || status != OK)
        return false;
    bool fits = at == digit ? code >= '0' && code < '0' + SYNC_KEYS
                            : code == (wint_t)(at < digit ? head[at] : tail[at - digit - 1]);
    if (at == digit && fits)
        term->held_value = (int)code - '0';
    if (fits && at == last) {
        take_sync_answer(term, term->held_value);
        return true;
    }
    if (fits) {
        term->n_held++;
        return at > 0; /* Esc may be a key */
    }
    term->n_held = at == 1 && code == KEYCODE_ESC;
    if (at < 2)
        return false;
    unget_wch((wchar_t)code);
    for (unsigned i = at; i-- > 1;)
        unget_wch(i == digit ? (wchar_t)('0' + term->held_value)
                             : (wchar_t)(i < digit ? head[i] : tail[i - digit - 1]));
    return true;
}

/* -- keys that are not known -- */

/* Whether an Esc that was read begins a sequence that curses knows no key for: what follows it came with it. Nobody
 * types as fast; Esc and a letter may have come in one packet all the same, and are two keys. */
static bool begins_sequence(void)
{
    wint_t next;
    int status = get_wch(&next);
    if (status == KEY_CODE_YES)
        ungetch((int)next);
    else if (status == OK)
        unget_wch((wchar_t)next);
    return status == OK && (next == '[' || next == 'O');
}

/* Takes such a sequence whole, so that its letters are not taken for keys: Esc [ ... letter, or Esc O letter. True:
 * taken. */
static bool skip_sequence(Term *term, int status, wint_t code)
{
    if (status == OK && code == KEYCODE_ESC) {
        term->sequence = begins_sequence() ? KEYCODE_ESC : 0;
        return term->sequence != 0;
    }
    if (!term->sequence)
        return false;
    if (status != OK || code < ' ')
        term->sequence = 0;
    else if (term->sequence == KEYCODE_ESC)
        term->sequence = (int)code;
    else if (term->sequence != '[' || code >= '@')
        term->sequence = 0;
    return status == OK && code >= ' ';
}

static void start_colours(Term *term, bool ascii, const ThemeChoice *choice)
{
    /* A theme that uses no colour must not start them: curses would paint all text white on black. */
    term->theme = theme_new(ascii, has_colors() ? 8 : 0, choice);
    if (!term->theme.colours || start_color() != OK)
        return;
    term->theme = theme_new(ascii, COLORS, choice);
    short ground = use_default_colors() == OK ? -1 : COLOR_BLACK;
    for (int style = 0; style < STYLE_COUNT; style++)
        if (term->theme.attrs[style].colour != THEME_DEFAULT)
            init_pair((short)(style + 1), (short)term->theme.attrs[style].colour, ground);
}

bool term_usable(GError **error)
{
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                "the dashboard needs a terminal; without one, `sluice status --watch` prints lines");
    return false;
}

Term *term_open(bool ascii, const ThemeChoice *choice, bool mouse, GError **error)
{
    if (!install_signals(error))
        return NULL;
    const char *codeset = nl_langinfo(CODESET);
    if (!g_str_equal(codeset, "UTF-8"))
        ascii = true;
    Term *term = g_new0(Term, 1);
    term->screen = newterm(NULL, stdout, stdin);
    if (!term->screen) {
        const char *name = g_getenv("TERM");
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                    "the terminal type '%s' is not known here; set TERM to one that is, for instance xterm",
                    name ? name : "");
        g_free(term);
        return NULL;
    }
    set_term(term->screen);
    set_escdelay(ESC_DELAY_MS);
    raw(); /* ^C, ^Z, ^S are keys */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    curs_set(0);
    start_colours(term, ascii, choice);
    if (mouse) {
        mouseinterval(0); /* a click is told when the button goes down */
        mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    }
    ask_for_sync(term);
    return term;
}

void term_close(Term *term)
{
    if (!term)
        return;
    curs_set(1);
    endwin();
    delscreen(term->screen);
    for (gsize i = 0; i < G_N_ELEMENTS(handled); i++)
        handle(handled[i], false);
    close(signal_pipe[0]);
    close(signal_pipe[1]);
    signal_pipe[0] = signal_pipe[1] = -1;
    g_free(term->painted);
    g_free(term);
}

const Theme *term_theme(const Term *term)
{
    return &term->theme;
}

void term_size(const Term *term, int *rows, int *cols)
{
    (void)term; /* curses keeps it for the one terminal there is */
    *rows = LINES;
    *cols = COLS;
}

static void take_new_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}

static int translate(int status, wint_t code)
{
    static const struct {
        int from, to;
    } map[] = {
        {KEY_UP, KEYCODE_UP},
        {KEY_DOWN, KEYCODE_DOWN},
        {KEY_LEFT, KEYCODE_LEFT},
        {KEY_RIGHT, KEYCODE_RIGHT},
        {KEY_PPAGE, KEYCODE_PAGE_UP},
        {KEY_NPAGE, KEYCODE_PAGE_DOWN},
        {KEY_HOME, KEYCODE_HOME},
        {KEY_END, KEYCODE_END},
        {KEY_BTAB, KEYCODE_BACKTAB},
        {KEY_DC, KEYCODE_DELETE},
        {KEY_BACKSPACE, KEYCODE_BACKSPACE},
        {KEY_ENTER, KEYCODE_ENTER},
    };
    if (status == OK) {
        if (code == '\n' || code == '\r')
            return KEYCODE_ENTER;
        if (code == 127)
            return KEYCODE_BACKSPACE;
        return (int)code;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(map); i++)
        if ((int)code == map[i].from)
            return map[i].to;
    if (code >= KEY_F(1) && code <= KEY_F(10))
        return KEYCODE_F0 + (int)(code - KEY_F0);
    return KEYCODE_NONE;
}

static int take_mouse(Term *term)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return KEYCODE_NONE;
    term->click_row = event.y;
    return event.bstate & BUTTON4_PRESSED   ? KEYCODE_WHEEL_UP
           : event.bstate & BUTTON5_PRESSED ? KEYCODE_WHEEL_DOWN
           : event.bstate & BUTTON1_PRESSED ? KEYCODE_CLICK
                                            : KEYCODE_NONE;
}

int term_click_row(const Term *term)
{
    return term->click_row;
}

TermEvent term_key(Term *term, int *key)
{
    wint_t code;
    for (;;) {
        int status = get_wch(&code);
        if (status == ERR)
            return TERM_NOTHING;
        term->empty_reads = 0;
        if (status == KEY_CODE_YES && code >= SYNC_KEY && code < SYNC_KEY + SYNC_KEYS) {
            take_sync_answer(term, (int)code - SYNC_KEY);
            continue;
        }
        if (hold_answer(term, status, code) || skip_sequence(term, status, code))
            continue;
        *key = status == KEY_CODE_YES && code == KEY_MOUSE ? take_mouse(term) : translate(status, code);
        if (*key != KEYCODE_NONE)
            return TERM_KEY;
    }
}

/* The most important of the signals that have come. */
static TermEvent take_signals(void)
{
    unsigned char numbers[64];
    ssize_t n;
    TermEvent event = TERM_NOTHING;
    while ((n = read(signal_pipe[0], numbers, sizeof numbers)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            TermEvent one = TERM_NOTHING;
            if (numbers[i] == SIGHUP || numbers[i] == SIGTERM)
                one = TERM_LOST;
            else if (numbers[i] == SIGTSTP)
                one = TERM_SUSPEND;
            else if (numbers[i] == SIGINT)
                one = TERM_INTERRUPT;
            else if (numbers[i] == SIGWINCH || numbers[i] == SIGCONT)
                one = TERM_RESIZED;
            if (numbers[i] == SIGCONT)
                reset_prog_mode(); /* the shell had its own */
            event = MAX(event, one);
        }
    return event;
}

TermEvent term_wait(Term *term, const int *others, int n_others, int timeout_ms, int *key)
{
    /* Keys that curses has read ahead make no descriptor readable. */
    TermEvent event = term_key(term, key);
    if (event != TERM_NOTHING)
        return event;
    struct pollfd fds[2 + TERM_MAX_OTHERS] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                              {.fd = signal_pipe[0], .events = POLLIN}};
    g_assert(n_others <= TERM_MAX_OTHERS);
    for (int i = 0; i < n_others; i++)
        fds[2 + i] = (struct pollfd){.fd = others[i], .events = POLLIN};
    if (poll(fds, 2 + (nfds_t)n_others, timeout_ms) <= 0)
        return TERM_NOTHING;
    if (fds[1].revents) {
        event = take_signals();
        if (event == TERM_RESIZED) {
            take_new_size();
            term_redraw(term);
        }
        if (event != TERM_NOTHING)
            return event;
    }
    if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        return TERM_LOST;
    if (fds[0].revents & POLLIN) {
        event = term_key(term, key);
        if (event == TERM_NOTHING && ++term->empty_reads >= EMPTY_READS)
            return TERM_LOST;
    }
    return event;
}

static attr_t attr_of(const Theme *theme, Style style, short *pair)
{
    ThemeAttr attr = theme_attr(theme, style);
    attr_t bits = A_NORMAL;
    if (attr.bold)
        bits |= A_BOLD;
    if (attr.dim)
        bits |= A_DIM;
    if (attr.reverse)
        bits |= A_REVERSE;
    if (attr.underline)
        bits |= A_UNDERLINE;
    *pair =
        (short)(attr.colour == THEME_DEFAULT ? 0 : style + 1); /* a colour pair a style, on the terminal's own ground */
    return bits;
}

static void paint_row(Term *term, const Canvas *canvas, int row)
{
    for (int col = 0; col < canvas->cols; col++) {
        const CanvasCell *cell = canvas_cell(canvas, row, col);
        if (!cell->ch)
            continue;
        wchar_t text[2 + CANVAS_COMBINING] = {(wchar_t)cell->ch};
        for (int i = 0; i < CANVAS_COMBINING; i++)
            text[1 + i] = (wchar_t)cell->combining[i];
        short pair;
        attr_t bits = attr_of(&term->theme, cell->style, &pair);
        cchar_t glyph;
        setcchar(&glyph, text, bits, pair, NULL);
        /* The last cell of the screen may answer ERR though it is drawn: the cursor cannot move on. */
        mvadd_wch(row, col, &glyph);
    }
}

/* About as many bytes as it takes to show what differs: the characters, and a move for each row. */
static int changed_size(const CanvasCell *old, const CanvasCell *fresh, int cols)
{
    int size = 8;
    for (int col = 0; col < cols; col++)
        if (memcmp(&old[col], &fresh[col], sizeof fresh[col]) != 0)
            size += g_unichar_to_utf8(fresh[col].ch, NULL);
    return size;
}

void term_paint(Term *term, const Canvas *canvas)
{
    gsize row_size = sizeof(CanvasCell) * (gsize)canvas->cols;
    bool same_size = term->painted && term->painted_rows == canvas->rows && term->painted_cols == canvas->cols;
    if (!same_size) {
        g_free(term->painted);
        term->painted = g_malloc0(row_size * (gsize)canvas->rows);
        term->painted_rows = canvas->rows;
        term->painted_cols = canvas->cols;
        clear(); /* and curses sends everything */
    }
    int size = 0;
    for (int row = 0; row < canvas->rows; row++) {
        CanvasCell *old = term->painted + (gsize)row * (gsize)canvas->cols;
        const CanvasCell *fresh = canvas_cell(canvas, row, 0);
        if (same_size && memcmp(old, fresh, row_size) == 0)
            continue;
        size += changed_size(old, fresh, canvas->cols);
        paint_row(term, canvas, row); /* curses finds the cells that differ */
        memcpy(old, fresh, row_size);
    }
    bool marked = term->synchronised && size > SYNC_ABOVE;
    if (marked)
        send_all(SYNC_BEGIN, strlen(SYNC_BEGIN));
    move(CLAMP(canvas->cursor_row, 0, canvas->rows - 1), CLAMP(canvas->cursor_col, 0, canvas->cols - 1));
    curs_set(canvas->cursor_visible ? 1 : 0);
    refresh();
    if (marked)
        send_all(SYNC_END, strlen(SYNC_END));
}

/* Terminals that know no OSC would show what is in it. */
static bool knows_osc(void)
{
    static const char *const without[] = {"linux", "vt", "dumb", "ansi", "cons"};
    const char *name = g_getenv("TERM");
    for (gsize i = 0; i < G_N_ELEMENTS(without); i++)
        if (!name || g_str_has_prefix(name, without[i]))
            return false;
    return true;
}

bool term_copy(Term *term, const char *text)
{
    (void)term;
    gsize len = strlen(text);
    if (len > TERM_COPY_MAX || !knows_osc())
        return false;
    g_autofree char *coded = g_base64_encode((const guchar *)text, len);
    g_autofree char *sequence = g_strdup_printf("\033]52;c;%s\a", coded);
    return send_all(sequence, strlen(sequence));
}

void term_redraw(Term *term)
{
    g_free(term->painted);
    term->painted = NULL;
}

void term_suspend(Term *term)
{
    curs_set(1);
    endwin();
    handle(SIGTSTP, false);
    kill(0, SIGTSTP); /* all of the job: a script that called us has to stop too, or its shell does not notice */
    handle(SIGTSTP, true);
    refresh();
    take_new_size();
    term_redraw(term);
}
