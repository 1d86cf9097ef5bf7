/* main.c - lives the lives of pipes: kept cases, a row of seeds, and new seeds for some time (./test sim).
 *
 * usage: sim [--trace] CASE...        kept cases
 *        sim [--trace] --seeds N [COUNT]   the lives of the seeds N, N + 1, ...
 *        sim --seconds S [--lives N]  lives of new seeds for so long, or so many
 *
 * Prints "ok ..." or "FAILED ..." for each case, and for each of the rows of seeds; what fails is made shorter and
 * printed, to be kept as a file of tests/sim/cases. Exit 1 when anything failed.
 */
#include "life.h"

#include "base/base.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char living[200] = "";
static char *state_dir;

/* An assertion of what is tested: the life is named, for nothing more can be done. */
static void aborted(int signal)
{
    static const char text[] = "FAILED by an assertion, or a wrong access: ";
    ssize_t ignored = write(STDOUT_FILENO, text, sizeof text - 1);
    ignored = write(STDOUT_FILENO, living, strlen(living));
    ignored = write(STDOUT_FILENO, "\n", 1);
    (void)ignored;
    (void)signal;
    _exit(1);
}

static void make_state_dir(void)
{
    /* What is prepared is put on disk again and again: on one in memory, where there is one. */
    g_autofree char *in_memory = g_strdup("/dev/shm/sluice-sim-XXXXXX");
    state_dir = g_mkdtemp(in_memory) ? g_steal_pointer(&in_memory) : g_dir_make_tmp("sluice-sim-XXXXXX", NULL);
    if (!state_dir)
        exit(2);
}

static void remove_state_dir(void)
{
    g_autofree char *prepared = g_build_filename(state_dir, "prepared", NULL);
    g_rmdir(prepared);
    g_rmdir(state_dir);
}

static bool live_case(const char *path, bool trace)
{
    g_autofree char *text = NULL, *wrong = NULL;
    g_autoptr(GError) error = NULL;
    Life *life = g_file_get_contents(path, &text, NULL, &error) ? life_parse(text, &wrong) : NULL;
    g_snprintf(living, sizeof living, "%s", path);
    char *finding = life ? life_live(life, state_dir, trace) : g_strdup(error ? error->message : wrong);
    printf("%s %s%s%s\n", finding ? "FAILED" : "ok", path, finding ? ": " : "", finding ? finding : "");
    bool ok = !finding;
    g_free(finding);
    if (life)
        life_free(life);
    return ok;
}

static bool live_seed(uint64_t seed, bool trace)
{
    g_snprintf(living, sizeof living, "seed %" G_GUINT64_FORMAT, seed);
    Life *life = life_new(seed);
    g_autofree char *finding = life_live(life, state_dir, trace);
    if (finding) {
        life_shrink(life, state_dir);
        g_autofree char *text = life_text(life), *still = life_live(life, state_dir, false);
        printf("FAILED seed %" G_GUINT64_FORMAT ": %s\n# shorter, to be kept in tests/sim/cases: %s\n%s", seed, finding,
               still, text);
    }
    life_free(life);
    fflush(stdout);
    return !finding;
}

static bool live_row(uint64_t seed, uint64_t count, bool trace)
{
    for (uint64_t i = 0; i < count; i++)
        if (!live_seed(seed + i, trace))
            return false;
    printf("ok %" G_GUINT64_FORMAT " lives from seed %" G_GUINT64_FORMAT "\n", count, seed);
    return true;
}

/* `lives` > 0: so many, however long it takes. */
static bool live_new(double seconds, uint64_t lives)
{
    uint64_t first = (uint64_t)clock_real_usec(), n = 0;
    int64_t began = clock_monotonic_usec();
    while (lives ? n < lives : (double)(clock_monotonic_usec() - began) < seconds * 1e6)
        if (!live_seed(first + n++, false))
            return false;
    double took = (double)(clock_monotonic_usec() - began) / 1e6;
    printf("ok %" G_GUINT64_FORMAT " lives from seed %" G_GUINT64_FORMAT ", in %.0f s: %.0f a minute\n", n, first, took,
           (double)n * 60 / MAX(took, 0.001));
    return true;
}

int main(int argc, char **argv)
{
    bool ok = true, trace = false;
    double seconds = 0;
    uint64_t lives = 0;

    signal(SIGABRT, aborted);
    signal(SIGSEGV, aborted);
    make_state_dir();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = g_ascii_strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--lives") == 0 && i + 1 < argc)
            lives = g_ascii_strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
            uint64_t seed = g_ascii_strtoull(argv[++i], NULL, 10);
            uint64_t count =
                i + 1 < argc && g_ascii_isdigit(argv[i + 1][0]) ? g_ascii_strtoull(argv[++i], NULL, 10) : 1;
            ok = live_row(seed, count, trace) && ok;
        } else {
            ok = live_case(argv[i], trace) && ok;
        }
    }
    if (seconds > 0 || lives > 0)
        ok = live_new(seconds, lives) && ok;
    remove_state_dir();
    return ok ? 0 : 1;
}
