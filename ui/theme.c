#include "theme.h"

#include <stdlib.h>

Theme theme_new(bool ascii, int colours)
{
    const char *no_color = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */
    if (no_color && *no_color)
        colours = 0;
    if (colours < 8)
        colours = 0;
    return (Theme){.ascii = ascii, .colours = colours};
}

ThemeAttr theme_attr(const Theme *theme, Style style)
{
    ThemeAttr attr = {.colour = THEME_DEFAULT};
    switch (style) {
    case STYLE_DIM:
        /* A_DIM is too faint on many 256-colour terminals; a middle grey reads well on dark and on light ground. */
        if (theme->colours >= 256)
            attr.colour = THEME_GREY_256;
        else
            attr.dim = true;
        break;
    case STYLE_TITLE:
    case STYLE_KEY:
        attr.bold = true;
        break;
    case STYLE_WAIT:
        attr.bold = true;
        if (theme->colours)
            attr.colour = THEME_YELLOW;
        break;
    case STYLE_LOST:
        attr.bold = true;
        if (theme->colours)
            attr.colour = THEME_RED;
        else
            attr.underline = true;
        break;
    case STYLE_INPUT:
        attr.underline = true;
        break;
    case STYLE_MARK:
        attr.reverse = true;
        break;
    case STYLE_TEXT:
    case STYLE_COUNT:
        break;
    }
    return attr;
}
