/* dialog.h - a question in a box over the screen: before something is lost, or before leaving. */
#ifndef SLUICE_UI_DIALOG_H
#define SLUICE_UI_DIALOG_H

#include "canvas.h"
#include "form.h"

#define DIALOG_MAX_CHOICES 4

typedef enum {
    DIALOG_OPEN,      /* goes on */
    DIALOG_CANCELLED, /* Esc, n */
    DIALOG_CHOSEN,    /* see `chosen` */
} DialogResult;

typedef struct {
    int key;
    const char *label; /* of the key */
    const char *text;
} DialogChoice;

typedef struct {
    char *title;
    char *text;    /* what will happen to which data */
    char **list;   /* what is concerned, a line each; NULL: the text says it */
    char *command; /* the shell command that does the same; NULL: none */
    char *name;    /* has to be typed; NULL: one of the choices answers */
    LineEdit typed;
    DialogChoice choices[DIALOG_MAX_CHOICES]; /* Enter takes the first */
    int n_choices;
    int chosen;
} Dialog;

Dialog *dialog_choice(const char *title, const char *text, const char *command);
void dialog_add_choice(Dialog *dialog, int key, const char *label, const char *text);
/* Shown below the text, as far as there is room for it. */
void dialog_set_list(Dialog *dialog, const GPtrArray *lines); /* of char * */
/* Confirmed by typing the name. */
Dialog *dialog_name(const char *title, const char *text, const char *command, const char *name);
void dialog_free(Dialog *dialog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dialog, dialog_free)

DialogResult dialog_key(Dialog *dialog, int key);
void dialog_draw(Dialog *dialog, Canvas *canvas);

#endif
