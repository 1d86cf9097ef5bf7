/* endpoint_sql_test.c - heads of INSERTs and looks at statements, whole and cut at every byte. */
#include "endpoint/sql.h"

#include <string.h>

typedef struct {
    const char *text;
    HeadKind kind;
    const char *head, *format, *data; /* of HEAD_DATA and HEAD_INPUT */
} HeadCase;

static const HeadCase heads[] = {
    {"INSERT INTO t FORMAT TSV\n1\t2\n", HEAD_DATA, "INSERT INTO t", "TSV", "1\t2\n"},
    {"INSERT INTO t FORMAT Native\n\n\x01", HEAD_DATA, "INSERT INTO t", "Native", "\n\x01"},
    {"INSERT INTO t FORMAT Native\r\n\n", HEAD_DATA, "INSERT INTO t", "Native", "\n"},
    {"insert into `a;(b` (x, `y)`) format \"TSV\" \t 1", HEAD_DATA, "insert into `a;(b` (x, `y)`)", "TSV", "1"},
    {"/* a /* nested */ */ INSERT -- c\nINTO db . t FORMAT CSV\n", HEAD_DATA, "INSERT -- c\nINTO db . t", "CSV", ""},
    {"INSERT INTO t SETTINGS a = 'FORMAT x', b = 2 FORMAT TSV\nx", HEAD_DATA,
     "INSERT INTO t SETTINGS a = 'FORMAT x', b = 2", "TSV", "x"},
    {"INSERT INTO t (a) VALUES (1)", HEAD_DATA, "INSERT INTO t (a)", "", " (1)"},
    {"INSERT INTO TABLE FUNCTION file('x', CSV) PARTITION BY a FORMAT TSV\n1", HEAD_DATA,
     "INSERT INTO TABLE FUNCTION file('x', CSV) PARTITION BY a", "TSV", "1"},
    {"INSERT INTO {db:Identifier}.{t:Identifier} (a) FORMAT TSV\n1", HEAD_DATA,
     "INSERT INTO {db:Identifier}.{t:Identifier} (a)", "TSV", "1"},
    {"INSERT INTO format FORMAT values\n1", HEAD_DATA, "INSERT INTO format", "values", "1"},
    {"INSERT INTO t SELECT a FROM input('a Int8') FORMAT TSV\n7", HEAD_INPUT,
     "INSERT INTO t SELECT a FROM input('a Int8')", "TSV", "7"},
    {"INSERT INTO t SELECT 1 FORMAT TSV\n7", HEAD_STATEMENT, NULL, NULL, NULL},
    {"INSERT INTO t (SELECT 1)", HEAD_STATEMENT, NULL, NULL, NULL},
    {"INSERT INTO t (a) WITH 1 AS x SELECT x", HEAD_STATEMENT, NULL, NULL, NULL},
    {"INSERT INTO t FROM INFILE 'x' FORMAT TSV", HEAD_REFUSED, NULL, NULL, NULL},
    {"INSERT INTO t FROM /* x */ infile 'x'", HEAD_REFUSED, NULL, NULL, NULL},
    {"INSERT INTO t FORMAT TSV; 1", HEAD_SEMICOLON, NULL, NULL, NULL},
    {"INSERT INTO t; SELECT 1", HEAD_SEMICOLON, NULL, NULL, NULL},
    {"SELECT 1", HEAD_STATEMENT, NULL, NULL, NULL},
    {"INSERT INTO t 1", HEAD_STATEMENT, NULL, NULL, NULL},
    {"INSERT INTO t ('unterminated", HEAD_STATEMENT, NULL, NULL, NULL},
    {"", HEAD_STATEMENT, NULL, NULL, NULL},
};

static void assert_piece(const char *text, size_t start, size_t end, const char *wanted)
{
    g_autofree char *piece = g_strndup(text + start, end - start);
    g_assert_cmpstr(piece, ==, wanted);
}

static void test_heads(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
        const HeadCase *c = &heads[i];
        size_t len = strlen(c->text);
        InsertHead head = insert_head_parse(c->text, len, true);
        g_test_message("%s", c->text);
        g_assert_cmpint(head.kind, ==, c->kind);
        if (!c->head)
            continue;
        assert_piece(c->text, head.head_start, head.head_end, c->head);
        assert_piece(c->text, head.format_start, head.format_end, c->format);
        assert_piece(c->text, head.data_start, len, c->data);
    }
}

/* However the text is cut, the answer is "more" or the final one; bytes behind the text are never read (ASan). */
static void test_cut_everywhere(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
        const HeadCase *c = &heads[i];
        size_t len = strlen(c->text);
        InsertHead whole = insert_head_parse(c->text, len, true);
        for (size_t n = 0; n <= len; n++) {
            g_autofree char *part = g_memdup2(c->text, n ? n : 1);
            char *exact = g_malloc(n ? n : 1);
            memcpy(exact, part, n);
            InsertHead head = insert_head_parse(exact, n, false);
            if (head.kind != HEAD_MORE) {
                g_assert_cmpint(head.kind, ==, whole.kind);
                g_assert_cmpuint(head.head_end, ==, whole.head_end);
                g_assert_cmpuint(head.data_start, ==, whole.kind == HEAD_SEMICOLON ? n : whole.data_start);
            }
            insert_head_parse(exact, n, true);
            statement_look(exact, n);
            g_free(exact);
        }
    }
}

static void test_url_only(void)
{
    static const char text[] = "INSERT INTO t FORMAT Native \n";
    InsertHead head = insert_head_parse(text, strlen(text), true);
    g_assert_cmpint(head.kind, ==, HEAD_DATA);
    g_assert_true(head.format_given);
    g_assert_false(head.data_in_rest);
    head = insert_head_parse("INSERT INTO t", 13, true);
    g_assert_cmpint(head.kind, ==, HEAD_DATA);
    g_assert_false(head.format_given);
    head = insert_head_parse("INSERT INTO t VALUES (1)", 24, true);
    g_assert_true(head.data_in_rest);
}

typedef struct {
    const char *text, *body, *format;
    bool several, file_access, select, reads_only;
} StatementCase;

static const StatementCase statements[] = {
    {"SELECT 1", "SELECT 1", "", false, false, true, true},
    {" /* x */ SELECT 1 FORMAT JSON ;; -- y", "SELECT 1", "JSON", false, false, true, true},
    {"SELECT 1 -- c\n FORMAT `JSON` SETTINGS max_threads = 1", "SELECT 1", "JSON", false, false, true, true},
    {"SELECT format FROM t", "SELECT format FROM t", "", false, false, true, true},
    {"SELECT format FORMAT CSV", "SELECT format", "CSV", false, false, true, true},
    {"SELECT a AS format FROM t FORMAT CSV", "SELECT a AS format FROM t", "CSV", false, false, true, true},
    {"SELECT format('{}', 1)", "SELECT format('{}', 1)", "", false, false, true, true},
    {"SELECT (SELECT 1 FORMAT x)", "SELECT (SELECT 1 FORMAT x)", "", false, false, true, true},
    {"SELECT 'FORMAT JSON', ‘;’, “;”, $a$;$a$", "SELECT 'FORMAT JSON', ‘;’, “;”, $a$;$a$", "", false, false, true,
     true},
    {"SELECT 1; SELECT 2", NULL, NULL, true, false, true, true},
    {"SELECT ';' # x\n", "SELECT ';'", "", false, false, true, true},
    {"(SELECT 1)", "(SELECT 1)", "", false, false, true, true},
    {"SELECT 1 INTO/**/OUTFILE 'x'", NULL, NULL, false, true, true, true},
    {"WITH 1 AS x INSERT INTO t SELECT x", NULL, NULL, false, false, false, false},
    {"DROP TABLE t", "DROP TABLE t", "", false, false, false, false},
    {"SHOW TABLES FORMAT CSV", "SHOW TABLES", "CSV", false, false, false, true},
    {"SELECT 'broken", NULL, NULL, false, false, true, true},
};

static void test_statements(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
        const StatementCase *c = &statements[i];
        Statement s = statement_look(c->text, strlen(c->text));
        g_test_message("%s", c->text);
        g_assert_false(s.empty);
        g_assert_cmpint(s.several, ==, c->several);
        g_assert_cmpint(s.file_access, ==, c->file_access);
        g_assert_cmpint(s.select, ==, c->select);
        g_assert_cmpint(s.reads_only, ==, c->reads_only);
        if (!c->body)
            continue;
        assert_piece(c->text, s.start, s.body_end, c->body);
        assert_piece(c->text, s.format_start, s.format_end, c->format);
    }
    g_assert_true(statement_look(" -- x\n; ", 8).empty);
    g_assert_true(statement_look("", 0).empty);
    g_assert_true(statement_look("kill query where 1", 18).kill);
}

/* Random texts of what makes the lexer branch. Nothing is asserted but that offsets stay inside. */
static void test_random_texts(void)
{
    static const char *const pieces[] = {"INSERT",
                                         " INTO ",
                                         "t",
                                         " FORMAT ",
                                         "TSV",
                                         "\n",
                                         "(",
                                         ")",
                                         "'",
                                         "\\",
                                         "`",
                                         "\"",
                                         ";",
                                         "--",
                                         "/*",
                                         "*/",
                                         "$a$",
                                         "$",
                                         " ",
                                         "#!",
                                         "{",
                                         "}",
                                         "VALUES",
                                         "input",
                                         "SELECT ",
                                         "\xE2\x80",
                                         "\x98",
                                         "\xC2\xA0",
                                         "\xE2\x80\x98",
                                         "FROM ",
                                         "INFILE",
                                         "SETTINGS ",
                                         "=",
                                         ".",
                                         ","};
    for (unsigned round = 0; round < 20000; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int n = g_test_rand_int_range(0, 14); n > 0; n--)
            g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
        char *exact = g_malloc(text->len ? text->len : 1);
        memcpy(exact, text->str, text->len);
        for (int final = 0; final < 2; final++) {
            InsertHead head = insert_head_parse(exact, text->len, final);
            g_assert_true(!final || head.kind != HEAD_MORE);
            g_assert_cmpuint(head.head_start, <=, text->len);
            g_assert_cmpuint(head.head_end, <=, text->len);
            g_assert_cmpuint(head.data_start, <=, text->len);
            g_assert_cmpuint(head.format_start, <=, head.format_end);
            g_assert_cmpuint(head.format_end, <=, text->len);
        }
        Statement s = statement_look(exact, text->len);
        g_assert_cmpuint(s.start, <=, s.body_end);
        g_assert_cmpuint(s.body_end, <=, s.end);
        g_assert_cmpuint(s.end, <=, text->len);
        g_assert_cmpuint(s.format_start, <=, s.format_end);
        g_free(exact);
    }
}

static void test_quoting(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    sql_append_string(out, "a'b\\c\n\0d", 8);
    g_assert_cmpstr(out->str, ==, "'a\\'b\\\\c\\x0A\\x00d'");
    g_string_truncate(out, 0);
    sql_append_name(out, "a`\\", 3);
    g_assert_cmpstr(out->str, ==, "`a\\`\\\\`");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoint/sql/heads", test_heads);
    g_test_add_func("/endpoint/sql/cut", test_cut_everywhere);
    g_test_add_func("/endpoint/sql/url", test_url_only);
    g_test_add_func("/endpoint/sql/statements", test_statements);
    g_test_add_func("/endpoint/sql/random", test_random_texts);
    g_test_add_func("/endpoint/sql/quoting", test_quoting);
    return g_test_run();
}
