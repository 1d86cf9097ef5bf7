/* charset_tool CHARSET - converts sequences of bytes as sluice does: a line of hex in, a line of hex out, UTF-8; "-" for what
 * does not decode. For the test that compares it with a server's own conversion. */
#include "mysql/charset.h"

#include <stdio.h>
#include <string.h>

static size_t read_hex(const char *line, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (; n < room && g_ascii_isxdigit(line[2 * n]) && g_ascii_isxdigit(line[2 * n + 1]); n++)
        out[n] = (uint8_t)(g_ascii_xdigit_value(line[2 * n]) << 4 | g_ascii_xdigit_value(line[2 * n + 1]));
    return n;
}

int main(int argc, char **argv)
{
    char line[256];
    uint8_t in[64], out[256];
    size_t len;
    const Charset *charset = argc == 2 ? charset_find(argv[1]) : NULL;
    if (!charset) {
        fprintf(stderr, "charset_tool: %s\n", argc == 2 ? "that character set is not known" : "usage: charset_tool CHARSET");
        return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        size_t n = read_hex(line, in, sizeof in);
        g_assert(charset_max_utf8(charset, n) <= sizeof out);
        if (!charset_to_utf8(charset, in, n, out, &len)) {
            puts("-");
            continue;
        }
        for (size_t i = 0; i < len; i++)
            printf("%02X", out[i]);
        putchar('\n');
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
