#include "theme.h"

#include <limits.h>
#include <stdlib.h>

ThemeAttr theme_default(int colours, Style style)
{
    ThemeAttr attr = {.colour = THEME_DEFAULT};
    switch (style) {
    case STYLE_DIM:
        /* A_DIM is too faint on many 256-colour terminals; a middle grey reads well on dark and on light ground. */
        if (colours >= 256)
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
        if (colours)
            attr.colour = THEME_YELLOW;
        break;
    case STYLE_LOST:
        attr.bold = true;
        if (colours)
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

/* Red, green and blue of xterm's palette. */
static void rgb_of(int colour, int rgb[3])
{
    for (int i = 0; i < 3; i++) {
        if (colour < 16) {
            bool lit = colour >> i & 1;
            rgb[i] = colour == 8 ? 127 : colour == 7 ? 229 : lit ? colour > 8 ? 255 : 205 : 0;
        } else if (colour >= 232) {
            rgb[i] = 8 + (colour - 232) * 10;
        } else {
            static const int divisor[] = {36, 6, 1};
            int step = (colour - 16) / divisor[i] % 6;
            rgb[i] = step ? 55 + step * 40 : 0;
        }
    }
}

/* The nearest of the first `colours`. */
static int nearest(int colour, int colours)
{
    int wanted[3], best = 0, best_distance = INT_MAX;
    rgb_of(colour, wanted);
    for (int i = 0; i < colours; i++) {
        int rgb[3], distance = 0;
        rgb_of(i, rgb);
        for (int k = 0; k < 3; k++)
            distance += (rgb[k] - wanted[k]) * (rgb[k] - wanted[k]);
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

Theme theme_new(bool ascii, int colours, const ThemeChoice *choice)
{
    const char *no_color = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */
    if (no_color && *no_color)
        colours = 0;
    if (colours < 8)
        colours = 0;
    Theme theme = {.ascii = ascii, .colours = colours};
    for (int style = 0; style < STYLE_COUNT; style++) {
        ThemeAttr *attr = &theme.attrs[style];
        *attr = choice && choice->set[style] ? choice->attrs[style] : theme_default(colours, (Style)style);
        if (!colours)
            attr->colour = THEME_DEFAULT;
        else if (attr->colour >= colours)
            attr->colour = nearest(attr->colour, colours >= 16 ? 16 : 8);
    }
    return theme;
}

ThemeAttr theme_attr(const Theme *theme, Style style)
{
    return theme->attrs[style];
}
