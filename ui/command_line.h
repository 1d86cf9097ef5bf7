/* command_line.h - the line at the foot that takes the shell's words: editing, completion, what was typed before. */
#ifndef SLUICE_UI_COMMAND_LINE_H
#define SLUICE_UI_COMMAND_LINE_H

#include "canvas.h"
#include "control/view.h"
#include "ui.h"

typedef struct CommandLine CommandLine;

/* What the cursor stands on: completed first. May be NULL. */
typedef struct {
    const char *pipe, *table;
} CommandSubject;

typedef enum { COMMAND_LINE_OPEN, COMMAND_LINE_LEFT, COMMAND_LINE_TYPED } CommandLineResult;

CommandLine *command_line_new(const UiCommand *commands);
void command_line_free(CommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CommandLine, command_line_free)

void command_line_begin(CommandLine *line);
/* Up brings it back, as if it had been typed. One with a password is not kept. */
void command_line_remember(CommandLine *line, const char *text);
/* `view` may be NULL. After COMMAND_LINE_TYPED the text is in the history. */
CommandLineResult command_line_key(CommandLine *line, const View *view, CommandSubject subject, int key);
const char *command_line_text(const CommandLine *line);
/* What is said above the line: how it is used, or what could follow. */
const char *command_line_hint(const CommandLine *line);
void command_line_draw(CommandLine *line, Canvas *canvas, int row);

#endif
