/* Every pair of state and event, in every mode and with every way back, against a matrix written out by hand. */
#include "pipe/lifecycle.h"

#include <string.h>

/* Columns in the order of PipeEvent. Letters: P Provisioning, S Setup, N Snapshot, R Running, U Pausing, D Paused,
 * M Modifying, Y Resync, C Completed, F Failed; 'b' where it came from, 'f' Running or (snapshot mode) Completed, 's' Snapshot
 * or (cdc mode) Running, 'r' Provisioning or Setup when it came from there else Snapshot, 'l' Resync when resyncing else f,
 * 'c' f when resyncing else refused, 'x' dropped, '.' refused.
 *
 * provisioned, setup done, loaded, quiet, modified, exchanged, fail, pause, resume, resync, cancel, retry, add, remove,
 * reposition, drop */
static const char *const matrix[PIPE_STATES] = {
    [PIPE_PROVISIONING] = "S.....F....P...x", [PIPE_SETUP] = ".s....F....S...x",
    [PIPE_SNAPSHOT] = "..l...FU..cNNM.x",     [PIPE_RUNNING] = "......FU.N.RNM.x",
    [PIPE_PAUSING] = "...D..F....U...x",      [PIPE_PAUSED] = "........bN..DMDx",
    [PIPE_MODIFYING] = "....b.F....M...x",    [PIPE_RESYNC] = ".....fFU..cY...x",
    [PIPE_COMPLETED] = ".........N.....x",    [PIPE_FAILED] = ".........r.b..bx",
};

static const char letters[] = "PSNRUDMYCF";

static void expect(PipeState state, PipeEvent event, const PipeSituation *situation)
{
    char letter = matrix[state][event];
    PipeTransition got = lifecycle_next(state, event, situation);
    PipeState follow = situation->mode == PIPE_MODE_SNAPSHOT ? PIPE_COMPLETED : PIPE_RUNNING;
    PipeState wanted;

    if (letter == 'c')
        letter = situation->resyncing ? 'f' : '.';
    if (letter == '.') {
        g_assert_true(got.refused);
        g_assert_false(got.dropped);
        g_assert_cmpint(got.state, ==, state);
        return;
    }
    g_assert_false(got.refused);
    g_assert_cmpint(got.dropped, ==, letter == 'x');
    if (letter == 'x')
        return;
    if (letter == 'b')
        wanted = state == PIPE_PAUSED && situation->back == PIPE_PAUSED ? PIPE_SNAPSHOT : situation->back;
    else if (letter == 'r')
        wanted = situation->back == PIPE_PROVISIONING || situation->back == PIPE_SETUP ? situation->back : PIPE_SNAPSHOT;
    else if (letter == 'f')
        wanted = follow;
    else if (letter == 's')
        wanted = situation->mode == PIPE_MODE_CDC ? PIPE_RUNNING : PIPE_SNAPSHOT;
    else if (letter == 'l')
        wanted = situation->resyncing ? PIPE_RESYNC : follow;
    else
        wanted = (PipeState)(strchr(letters, letter) - letters);
    g_assert_cmpstr(pipe_state_name(got.state), ==, pipe_state_name(wanted));
    if (event == EVENT_PAUSE || event == EVENT_REMOVE_TABLES)
        g_assert_cmpint(got.back, ==, state);
    if (event == EVENT_FAIL)
        g_assert_cmpint(got.back, ==, state == PIPE_PAUSING || state == PIPE_MODIFYING ? situation->back : state);
}

static void test_every_pair(void)
{
    for (unsigned state = 0; state < PIPE_STATES; state++) {
        g_assert_cmpuint(strlen(matrix[state]), ==, PIPE_EVENTS);
        for (unsigned event = 0; event < PIPE_EVENTS; event++)
            for (unsigned mode = 0; mode < 3; mode++)
                for (unsigned back = 0; back < PIPE_STATES; back++)
                    for (unsigned resyncing = 0; resyncing < 2; resyncing++) {
                        PipeSituation situation = {.mode = mode, .back = back, .resyncing = resyncing};
                        expect(state, event, &situation);
                    }
    }
}

/* Tables removed while Paused: it is Paused again, and can be resumed. */
static void test_modified_while_paused(void)
{
    for (unsigned mode = 0; mode < 3; mode++) {
        PipeSituation situation = {.mode = mode, .back = PIPE_RUNNING};
        PipeTransition next = lifecycle_next(PIPE_PAUSED, EVENT_REMOVE_TABLES, &situation);
        g_assert_cmpint(next.state, ==, PIPE_MODIFYING);
        PipeTransition failed = lifecycle_next(next.state, EVENT_FAIL, &(PipeSituation){.mode = mode, .back = next.back});
        PipeEvent ends[] = {EVENT_MODIFIED, EVENT_RETRY};
        PipeTransition from[] = {next, failed};
        for (unsigned i = 0; i < 2; i++) {
            PipeTransition paused = lifecycle_next(from[i].state, ends[i], &(PipeSituation){.mode = mode, .back = from[i].back});
            g_assert_cmpint(paused.state, ==, PIPE_PAUSED);
            next = lifecycle_next(paused.state, EVENT_RESUME, &(PipeSituation){.mode = mode, .back = paused.back});
            g_assert_false(next.refused);
            g_assert_cmpint(next.state, ==, PIPE_SNAPSHOT);
        }
    }
}

static void test_names(void)
{
    for (unsigned state = 0; state < PIPE_STATES; state++) {
        PipeState parsed;
        g_assert_true(pipe_state_parse(pipe_state_name(state), &parsed));
        g_assert_cmpint(parsed, ==, state);
    }
    for (unsigned mode = 0; mode < 3; mode++) {
        PipeMode parsed;
        g_assert_true(pipe_mode_parse(pipe_mode_name(mode), &parsed));
        g_assert_cmpint(parsed, ==, mode);
    }
    for (unsigned event = 0; event < PIPE_EVENTS; event++)
        g_assert_nonnull(pipe_event_name(event));
    PipeState state;
    PipeMode mode;
    g_assert_false(pipe_state_parse("running", &state));
    g_assert_false(pipe_mode_parse(NULL, &mode));
}

static void test_refusal(void)
{
    g_autofree char *text = lifecycle_refusal(PIPE_COMPLETED, EVENT_PAUSE, PIPE_MODE_SNAPSHOT);
    g_assert_cmpstr(text, ==, "pause is not possible while Completed; it is possible while Snapshot, Resync");
    g_autofree char *full = lifecycle_refusal(PIPE_SETUP, EVENT_RESYNC, PIPE_MODE_FULL);
    g_assert_cmpstr(full, ==, "resync is not possible while Setup; it is possible while Running, Paused, Failed");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lifecycle/every-pair", test_every_pair);
    g_test_add_func("/lifecycle/modified-while-paused", test_modified_while_paused);
    g_test_add_func("/lifecycle/names", test_names);
    g_test_add_func("/lifecycle/refusal", test_refusal);
    return g_test_run();
}
