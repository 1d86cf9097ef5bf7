#include "recording.h"

#include <config.h> /* of the build, not ui/config.h */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/printable.h"
#include "base/url.h"
#include "control/protocol.h"
#include "json_delta.h"

#define FORMAT      1
#define WHOLE_EVERY 300 /* pictures: so many rest on one that is written whole */
#define FIRST_LINE  4096

/* -- requests -- */

bool recording_is_question(const json_t *request)
{
    static const char *const words[] = {"status",  "check", "source_tables", "tables", "table",
                                        "history", "log",   "export",        "doctor", NULL};
    const char *word = json_string_value(json_object_get(request, "do"));
    if (g_strcmp0(word, "set") == 0)
        return json_object_size(json_object_get(request, "settings")) == 0;
    if (g_strcmp0(word, "reposition") == 0)
        return json_is_true(json_object_get(request, "check"));
    return word && g_strv_contains(words, word);
}

/* The request without its number, and with URLs as they may be shown: as it is written, and as it is looked for. */
static json_t *shown_request(const json_t *request)
{
    static const char *const urls[] = {"source", "dest"};
    json_t *shown = json_copy((json_t *)request);
    json_object_del(shown, "id");
    for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
        const char *url = json_string_value(json_object_get(request, urls[i]));
        g_autofree char *redacted = url ? url_redact(url) : NULL;
        if (redacted)
            json_object_set_new(shown, urls[i], json_string(redacted));
    }
    return shown;
}

static bool holds_text(const json_t *value, const char *text)
{
    const char *name;
    json_t *member;
    if (json_is_string(value))
        return strstr(json_string_value(value), text) != NULL;
    json_object_foreach((json_t *)value, name, member)
    {
        if (holds_text(member, text))
            return true;
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (holds_text(json_array_get(value, i), text))
            return true;
    return false;
}

/* A server's words may repeat what it was told. */
static bool repeats_password(const json_t *request, const char *member, const json_t *answer)
{
    const char *text = json_string_value(json_object_get(request, member));
    g_autoptr(Url) url = text ? url_parse(text, NULL) : NULL;
    return url && url->password && *url->password && holds_text(answer, url->password);
}

/* -- writing -- */

struct Recorder {
    char *path;
    int fd;
    int64_t began; /* monotonic */
    json_t *last;  /* the picture that was written last; NULL: none */
    unsigned since_whole;
};

static bool write_line(Recorder *recorder, json_t *line_take, GError **error)
{
    size_t len, done = 0;
    char *line = protocol_line(line_take, &len);
    json_decref(line_take);
    ssize_t n = 0;
    while (done < len && ((n = write(recorder->fd, line + done, len - done)) > 0 || errno == EINTR))
        done += n > 0 ? (size_t)n : 0;
    int why = errno;
    free(line);
    if (done == len)
        return true;
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "the recording %s ends here: it cannot be written: %s",
                recorder->path, g_strerror(why));
    return false;
}

static bool write_head(Recorder *recorder, GError **error)
{
    char began[25];
    clock_format_rfc3339(clock_real_usec(), began);
    json_t *head = json_pack("{s:i, s:s, s:s}", "recording", FORMAT, "version", PACKAGE_VERSION, "began", began);
    return write_line(recorder, head, error);
}

Recorder *recorder_new(const char *path, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        int why = errno;
        g_autofree char *shown = printable(path, 0);
        if (why == EEXIST)
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE,
                        "%s is there already and is not overwritten: name another file to record to", shown);
        else
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                        "cannot record to %s: %s; name a file in a folder that we may write to", shown,
                        g_strerror(why));
        return NULL;
    }
    Recorder *recorder = g_new0(Recorder, 1);
    recorder->path = g_strdup(path);
    recorder->fd = fd;
    recorder->began = clock_monotonic_usec();
    if (write_head(recorder, error))
        return recorder;
    recorder_free(recorder);
    return NULL;
}

void recorder_free(Recorder *recorder)
{
    if (!recorder)
        return;
    close(recorder->fd);
    if (!recorder->last)
        unlink(recorder->path);
    json_decref(recorder->last);
    g_free(recorder->path);
    g_free(recorder);
}

static json_t *new_line(const Recorder *recorder)
{
    return json_pack("{s:I}", "ms", (json_int_t)((clock_monotonic_usec() - recorder->began) / 1000));
}

bool recorder_view(Recorder *recorder, json_t *view, GError **error)
{
    json_t *line = new_line(recorder), *changed = NULL;
    bool whole = !recorder->last || recorder->since_whole >= WHOLE_EVERY || !json_delta(recorder->last, view, &changed);
    if (whole) {
        json_decref(changed);
        json_object_set(line, "view", view);
    } else {
        json_object_set_new(line, "changed", changed ? changed : json_object());
    }
    recorder->since_whole = whole ? 0 : recorder->since_whole + 1;
    if (!write_line(recorder, line, error))
        return false;
    json_decref(recorder->last);
    recorder->last = json_incref(view);
    return true;
}

bool recorder_answer(Recorder *recorder, const json_t *request, json_t *answer, GError **error)
{
    if (!recording_is_question(request) || repeats_password(request, "source", answer) ||
        repeats_password(request, "dest", answer))
        return true;
    json_t *line = new_line(recorder), *shown = json_copy(answer);
    json_object_del(shown, "id");
    json_object_set_new(line, "request", shown_request(request));
    json_object_set_new(line, "answer", shown);
    return write_line(recorder, line, error);
}

/* -- reading -- */

typedef struct {
    int64_t ms;
    json_t *request, *answer;
} Answered;

struct Recording {
    char *path; /* as it is shown */
    int fd;
    unsigned line;
    ProtocolReader *reader;
    json_t *view; /* the newest */
    int64_t ms;
    GArray *answers; /* Answered, as they came */
};

static void answered_clear(void *data)
{
    Answered *answered = data;
    json_decref(answered->request);
    json_decref(answered->answer);
}

void recording_free(Recording *recording)
{
    if (!recording)
        return;
    if (recording->fd >= 0)
        close(recording->fd);
    protocol_reader_free(recording->reader);
    json_decref(recording->view);
    g_array_unref(recording->answers);
    g_free(recording->path);
    g_free(recording);
}

/* The next line; NULL without error: the end. New reference. */
static json_t *read_line(Recording *recording, GError **error)
{
    char bytes[65536];
    for (;;) {
        g_autoptr(GError) why = NULL;
        json_t *line = protocol_reader_pull(recording->reader, &why);
        recording->line += line || why;
        if (line)
            return line;
        ssize_t n = why ? 0 : read(recording->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot read %s: %s", recording->path,
                        g_strerror(errno));
        if (why || (n > 0 && !protocol_reader_push(recording->reader, bytes, (size_t)n, &why)))
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                        "line %u of %s is damaged; cut the file before it, and what stands there can be replayed",
                        recording->line, recording->path);
        if (why || n <= 0)
            return NULL;
    }
}

static bool refuse_line(const Recording *recording, GError **error)
{
    g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "line %u of %s is no line of a recording", recording->line,
                recording->path);
    return false;
}

/* A line becomes the picture that is shown, or nothing: an answer. */
static bool take_view(Recording *recording, json_t *line, bool *is_view, GError **error)
{
    json_t *whole = json_object_get(line, "view"), *changed = json_object_get(line, "changed");
    *is_view = whole || changed;
    if (!*is_view)
        return true;
    if (whole) {
        json_decref(recording->view);
        recording->view = json_incref(whole);
    } else if (recording->view) {
        recording->view = json_delta_apply(recording->view, changed);
    }
    recording->ms = json_integer_value(json_object_get(line, "ms"));
    return json_is_object(recording->view) || refuse_line(recording, error);
}

static bool take_answer(Recording *recording, json_t *line, GError **error)
{
    Answered answered = {.ms = json_integer_value(json_object_get(line, "ms")),
                         .request = json_object_get(line, "request"),
                         .answer = json_object_get(line, "answer")};
    if (!json_is_object(answered.request) || !json_is_object(answered.answer))
        return refuse_line(recording, error);
    json_incref(answered.request);
    json_incref(answered.answer);
    g_array_append_val(recording->answers, answered);
    return true;
}

static bool read_head(Recording *recording, GError **error)
{
    /* What is no recording at all is not read through for its first line. */
    char begin[FIRST_LINE];
    ssize_t n = pread(recording->fd, begin, sizeof begin, 0);
    json_t *head = n > 0 && memchr(begin, '\n', (size_t)n) ? read_line(recording, NULL) : NULL;
    json_int_t format = json_integer_value(json_object_get(head, "recording"));
    json_decref(head);
    if (format == FORMAT)
        return true;
    if (format > FORMAT)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED,
                    "%s was recorded by a newer sluice; replay it with that one", recording->path);
    else
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "%s is no recording; `sluice --record FILE` makes one",
                    recording->path);
    return false;
}

static bool read_through(Recording *recording, GError **error)
{
    GError *why = NULL;
    json_t *line;
    bool ok = true, is_view, any = false;
    while (ok && (line = read_line(recording, &why))) {
        ok = take_view(recording, line, &is_view, error) && (is_view || take_answer(recording, line, error));
        any = any || is_view;
        json_decref(line);
    }
    if (why) {
        g_propagate_error(error, why);
        return false;
    }
    if (ok && !any)
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "%s holds no picture: there is nothing to replay",
                    recording->path);
    return ok && any;
}

/* To the first line, or behind it. */
static bool rewind_to(Recording *recording, GError **error)
{
    g_clear_pointer(&recording->reader, protocol_reader_free);
    recording->reader = protocol_reader_new();
    recording->line = 0;
    g_clear_pointer(&recording->view, json_decref);
    return lseek(recording->fd, 0, SEEK_SET) == 0 && read_head(recording, error);
}

Recording *recording_open(const char *path, GError **error)
{
    g_autoptr(Recording) recording = g_new0(Recording, 1);
    recording->path = printable(path, 0);
    recording->answers = g_array_new(FALSE, FALSE, sizeof(Answered));
    g_array_set_clear_func(recording->answers, answered_clear);
    recording->reader = protocol_reader_new();
    recording->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (recording->fd < 0 || lseek(recording->fd, 0, SEEK_SET) < 0) {
        g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_FAILED, "cannot replay %s: %s", recording->path,
                    g_strerror(errno));
        return NULL;
    }
    if (!read_head(recording, error) || !read_through(recording, error) || !rewind_to(recording, error))
        return NULL;
    return g_steal_pointer(&recording);
}

const json_t *recording_next(Recording *recording, int64_t *ms)
{
    json_t *line;
    bool is_view = false;
    while (!is_view && (line = read_line(recording, NULL))) {
        bool ok = take_view(recording, line, &is_view, NULL);
        json_decref(line);
        if (!ok)
            return NULL;
    }
    *ms = recording->ms;
    return is_view ? recording->view : NULL;
}

json_t *recording_answer(const Recording *recording, const json_t *request, int64_t ms)
{
    json_t *shown = shown_request(request), *found = NULL;
    for (guint i = 0; i < recording->answers->len; i++) {
        const Answered *answered = &g_array_index(recording->answers, Answered, i);
        if (found && answered->ms > ms)
            break;
        if (json_equal(answered->request, shown))
            found = answered->answer;
    }
    json_decref(shown);
    return found;
}
