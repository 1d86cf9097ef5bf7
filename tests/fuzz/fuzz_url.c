/* fuzz_url.c - URLs of sources and destinations. */
#include "fuzz.h"

#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"tls", "ca", NULL};
    GError *error = NULL;
    Input input = {data, data + size};
    char *text = input_text(&input, size);
    Url *url = url_parse(text, &error);
    check_error(url != NULL, &error);
    char *shown = url_redact(text);
    CHECK(shown);
    if (url) {
        CHECK(url->scheme && url->path && url->params);
        check_error(url_check_params(url, names, &error), &error);
        /* A password is not shown, unless another part happens to hold the same. */
        if (url->password && strlen(url->password) >= 8) {
            char *first = strstr(text, url->password);
            if (first && !strstr(first + 1, url->password))
                CHECK(!strstr(shown, url->password));
        }
    }
    g_free(shown);
    url_free(url);
    g_free(text);
    return 0;
}
